// Original file: proto/taskmaster.proto


export interface ClientTaskRequest {
  'data'?: (string);
}

export interface ClientTaskRequest__Output {
  'data': (string);
}
