// Original file: proto/task.proto


export interface TaskStatusResponse {
  'task_id'?: (string);
  'status'?: (string);
  'attempt'?: (number);
  'error'?: (string);
  'output'?: (string);
}

export interface TaskStatusResponse__Output {
  'task_id': (string);
  'status': (string);
  'attempt': (number);
  'error': (string);
  'output': (string);
}
