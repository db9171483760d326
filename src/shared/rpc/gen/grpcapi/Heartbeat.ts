// Original file: proto/taskmaster.proto


export interface Heartbeat {
  'draining'?: (boolean);
}

export interface Heartbeat__Output {
  'draining': (boolean);
}
