// Original file: proto/taskmaster.proto


export interface Task {
  'task_id'?: (string);
  'attempt'?: (number);
  'command'?: (string);
  'executor'?: (string);
  'payload'?: (string);
  'priority'?: (number);
}

export interface Task__Output {
  'task_id': (string);
  'attempt': (number);
  'command': (string);
  'executor': (string);
  'payload': (string);
  'priority': (number);
}
