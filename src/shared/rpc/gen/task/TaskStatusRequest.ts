// Original file: proto/task.proto


export interface TaskStatusRequest {
  'task_id'?: (string);
}

export interface TaskStatusRequest__Output {
  'task_id': (string);
}
