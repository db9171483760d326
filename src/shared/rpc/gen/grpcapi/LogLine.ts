// Original file: proto/taskmaster.proto


// Original file: proto/taskmaster.proto

export const _grpcapi_LogLine_Stream = {
  STDOUT: 'STDOUT',
  STDERR: 'STDERR',
  LOG: 'LOG',
} as const;

export type _grpcapi_LogLine_Stream =
  | 'STDOUT'
  | 0
  | 'STDERR'
  | 1
  | 'LOG'
  | 2

export type _grpcapi_LogLine_Stream__Output = typeof _grpcapi_LogLine_Stream[keyof typeof _grpcapi_LogLine_Stream]

export interface LogLine {
  'seq'?: (number);
  'ago_ms'?: (number | string);
  'stream'?: (_grpcapi_LogLine_Stream);
  'text'?: (string);
}

export interface LogLine__Output {
  'seq': (number);
  'ago_ms': (number);
  'stream': (_grpcapi_LogLine_Stream__Output);
  'text': (string);
}
