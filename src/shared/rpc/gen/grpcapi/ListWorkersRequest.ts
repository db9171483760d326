// Original file: proto/taskmaster.proto


export interface ListWorkersRequest {
}

export interface ListWorkersRequest__Output {
}
