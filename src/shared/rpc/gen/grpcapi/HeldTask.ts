// Original file: proto/taskmaster.proto


export interface HeldTask {
  'task_id'?: (string);
  'attempt'?: (number);
  'started'?: (boolean);
}

export interface HeldTask__Output {
  'task_id': (string);
  'attempt': (number);
  'started': (boolean);
}
