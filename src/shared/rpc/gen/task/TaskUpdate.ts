// Original file: proto/task.proto


export interface TaskUpdate {
  'task_id'?: (string);
  'status'?: (string);
  'attempt'?: (number);
  'error'?: (string);
  'output'?: (string);
}

export interface TaskUpdate__Output {
  'task_id': (string);
  'status': (string);
  'attempt': (number);
  'error': (string);
  'output': (string);
}
