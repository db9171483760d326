// Original file: proto/taskmaster.proto


export interface UpdateTaskStatusResponse {
  'success'?: (boolean);
}

export interface UpdateTaskStatusResponse__Output {
  'success': (boolean);
}
