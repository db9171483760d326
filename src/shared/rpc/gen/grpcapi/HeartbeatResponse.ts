// Original file: proto/taskmaster.proto


export interface HeartbeatResponse {
  'acknowledged'?: (boolean);
}

export interface HeartbeatResponse__Output {
  'acknowledged': (boolean);
}
