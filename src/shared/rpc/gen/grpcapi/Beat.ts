// Original file: proto/taskmaster.proto


export interface Beat {
}

export interface Beat__Output {
}
