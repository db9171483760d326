// Original file: proto/taskmaster.proto


export interface HeartbeatRequest {
  'workerId'?: (number);
  'address'?: (string);
}

export interface HeartbeatRequest__Output {
  'workerId': (number);
  'address': (string);
}
