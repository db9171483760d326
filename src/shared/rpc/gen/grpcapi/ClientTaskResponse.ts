// Original file: proto/taskmaster.proto


export interface ClientTaskResponse {
  'message'?: (string);
  'task_id'?: (string);
}

export interface ClientTaskResponse__Output {
  'message': (string);
  'task_id': (string);
}
