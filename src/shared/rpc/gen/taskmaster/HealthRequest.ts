// Original file: proto/control.proto


export interface HealthRequest {
}

export interface HealthRequest__Output {
}
