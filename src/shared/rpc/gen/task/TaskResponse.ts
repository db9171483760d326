// Original file: proto/task.proto


export interface TaskResponse {
  'task_id'?: (string);
  'success'?: (boolean);
  'message'?: (string);
}

export interface TaskResponse__Output {
  'task_id': (string);
  'success': (boolean);
  'message': (string);
}
