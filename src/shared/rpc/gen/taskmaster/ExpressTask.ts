// Original file: proto/control.proto


export interface ExpressTask {
  'id'?: (string);
  'name'?: (string);
  'description'?: (string);
  'command'?: (string);
  'executor'?: (string);
  'payload'?: (string);
  'priority'?: (number);
  'max_retries'?: (number);
  'retry_backoff_ms'?: (number);
  'retry_backoff_cap_ms'?: (number);
  'timeout_ms'?: (number);
  'cancel_grace_ms'?: (number);
  'queue'?: (string);
  'labels'?: (string)[];
  'scheduled_at_ms'?: (number | string);
}

export interface ExpressTask__Output {
  'id': (string);
  'name': (string);
  'description': (string);
  'command': (string);
  'executor': (string);
  'payload': (string);
  'priority': (number);
  'max_retries': (number);
  'retry_backoff_ms': (number);
  'retry_backoff_cap_ms': (number);
  'timeout_ms': (number);
  'cancel_grace_ms': (number);
  'queue': (string);
  'labels': (string)[];
  'scheduled_at_ms': (number);
}
