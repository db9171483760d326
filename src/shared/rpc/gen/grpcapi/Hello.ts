// Original file: proto/taskmaster.proto

import type { HeldTask as _grpcapi_HeldTask, HeldTask__Output as _grpcapi_HeldTask__Output } from '../grpcapi/HeldTask.ts';

export interface Hello {
  'worker_id'?: (number);
  'name'?: (string);
  'address'?: (string);
  'slots'?: (number);
  'labels'?: (string)[];
  'executors'?: (string)[];
  'held'?: (_grpcapi_HeldTask)[];
  'hostname'?: (string);
  'pid'?: (number);
  'greeting'?: (number);
  'draining'?: (boolean);
}

export interface Hello__Output {
  'worker_id': (number);
  'name': (string);
  'address': (string);
  'slots': (number);
  'labels': (string)[];
  'executors': (string)[];
  'held': (_grpcapi_HeldTask__Output)[];
  'hostname': (string);
  'pid': (number);
  'greeting': (number);
  'draining': (boolean);
}
