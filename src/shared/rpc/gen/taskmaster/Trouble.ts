// Original file: proto/control.proto


export interface Trouble {
  'key'?: (string);
  'message'?: (string);
  'code'?: (string);
  'waiting'?: (number);
  'ago_ms'?: (number | string);
}

export interface Trouble__Output {
  'key': (string);
  'message': (string);
  'code': (string);
  'waiting': (number);
  'ago_ms': (number);
}
