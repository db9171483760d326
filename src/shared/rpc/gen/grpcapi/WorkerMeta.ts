// Original file: proto/taskmaster.proto


export interface WorkerMeta {
  'id'?: (number);
  'address'?: (string);
  'status'?: (string);
  'last_active_at'?: (string);
  'current_task_id'?: (string);
  'tasks_completed'?: (number);
}

export interface WorkerMeta__Output {
  'id': (number);
  'address': (string);
  'status': (string);
  'last_active_at': (string);
  'current_task_id': (string);
  'tasks_completed': (number);
}
