// Original file: proto/task.proto


export interface TaskRequest {
  'id'?: (string);
  'name'?: (string);
  'description'?: (string);
  'command'?: (string);
  'priority'?: (number);
}

export interface TaskRequest__Output {
  'id': (string);
  'name': (string);
  'description': (string);
  'command': (string);
  'priority': (number);
}
