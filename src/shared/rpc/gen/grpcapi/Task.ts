// Original file: proto/taskmaster.proto


export interface Task {
  'task_id'?: (string);
  'attempt'?: (number);
  'command'?: (string);
  'executor'?: (string);
  'payload'?: (string);
  'priority'?: (number);
  'timeout_ms'?: (number);
  'cancel_grace_ms'?: (number);
  'parents'?: (string);
}

export interface Task__Output {
  'task_id': (string);
  'attempt': (number);
  'command': (string);
  'executor': (string);
  'payload': (string);
  'priority': (number);
  'timeout_ms': (number);
  'cancel_grace_ms': (number);
  'parents': (string);
}
