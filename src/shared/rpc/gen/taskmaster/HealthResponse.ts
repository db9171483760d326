// Original file: proto/control.proto

import type { Trouble as _taskmaster_Trouble, Trouble__Output as _taskmaster_Trouble__Output } from '../taskmaster/Trouble.ts';

export interface HealthResponse {
  'id'?: (string);
  'stopping'?: (boolean);
  'troubles'?: (_taskmaster_Trouble)[];
}

export interface HealthResponse__Output {
  'id': (string);
  'stopping': (boolean);
  'troubles': (_taskmaster_Trouble__Output)[];
}
