// Original file: proto/taskmaster.proto


export interface TaskRequest {
  'task_id'?: (string);
  'data'?: (string);
  'priority'?: (number);
}

export interface TaskRequest__Output {
  'task_id': (string);
  'data': (string);
  'priority': (number);
}
