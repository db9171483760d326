// Original file: proto/taskmaster.proto


export interface Progress {
  'task_id'?: (string);
  'attempt'?: (number);
  'value'?: (number | string);
}

export interface Progress__Output {
  'task_id': (string);
  'attempt': (number);
  'value': (number);
}
