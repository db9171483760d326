// Original file: proto/taskmaster.proto


export interface TaskResponse {
  'task_id'?: (string);
  'message'?: (string);
  'success'?: (boolean);
}

export interface TaskResponse__Output {
  'task_id': (string);
  'message': (string);
  'success': (boolean);
}
