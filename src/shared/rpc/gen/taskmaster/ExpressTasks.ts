// Original file: proto/control.proto

import type { ExpressTask as _taskmaster_ExpressTask, ExpressTask__Output as _taskmaster_ExpressTask__Output } from '../taskmaster/ExpressTask.ts';
import type { Long } from '@grpc/proto-loader';

export interface ExpressTasks {
  'sequence'?: (number | string | Long);
  'items'?: (_taskmaster_ExpressTask)[];
}

export interface ExpressTasks__Output {
  'sequence': (number);
  'items': (_taskmaster_ExpressTask__Output)[];
}
