// Original file: proto/control.proto

import type { Long } from '@grpc/proto-loader';

// Original file: proto/control.proto

export const _taskmaster_ExpressAnswer_Outcome = {
  REFUSED: 'REFUSED',
  STORED: 'STORED',
  UNKNOWN: 'UNKNOWN',
} as const;

export type _taskmaster_ExpressAnswer_Outcome =
  | 'REFUSED'
  | 0
  | 'STORED'
  | 1
  | 'UNKNOWN'
  | 2

export type _taskmaster_ExpressAnswer_Outcome__Output = typeof _taskmaster_ExpressAnswer_Outcome[keyof typeof _taskmaster_ExpressAnswer_Outcome]

export interface ExpressAnswer {
  'sequence'?: (number | string | Long);
  'outcomes'?: (_taskmaster_ExpressAnswer_Outcome)[];
}

export interface ExpressAnswer__Output {
  'sequence': (number);
  'outcomes': (_taskmaster_ExpressAnswer_Outcome__Output)[];
}
