-- Submission in SQL: submit() and submit_many() store tasks with the caller's own transaction, under the rules of REST's
-- POST /tasks: src/scheduler/schemas.ts, src/shared/core/payloads.ts and src/shared/idempotency.ts say the same in TypeScript,
-- and test/integration/submit/ compares the two.
--
-- The functions before those two serve them alone. They expect a UTF-8 database and the settings that this file ends with.

-- Text and JSON as JavaScript has them -------------------------------------------------------------------------------------

-- The length in UTF-16 code units, of which a character beyond U+FFFF has two.
CREATE FUNCTION utf16_length(given text) RETURNS integer LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE WHEN octet_length(given) = length(given) THEN length(given)
    ELSE 2 * length(given) - length(regexp_replace(given, '[\U00010000-\U0010FFFF]', '', 'g')) END
$$;

-- The beginning of a text, of at most so many UTF-16 code units.
CREATE FUNCTION utf16_head(given text, most integer) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  head text := left(given, most);
BEGIN
  WHILE utf16_length(head) > most LOOP head := left(head, -1); END LOOP;
  RETURN head;
END $$;

-- A text whose bytes order it by UTF-16 code units: characters beyond U+FFFF come before U+E000.
CREATE FUNCTION utf16_order(given text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE WHEN octet_length(given) = length(given) THEN given
    ELSE regexp_replace(replace(given, chr(1114111), chr(1114111) || chr(1)), '([\uE000-\uFFFF])', chr(1114111) || '\1', 'g') END
$$;

-- A number as JavaScript writes it.
CREATE FUNCTION json_number(given numeric) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  written  text := trim_scale(given)::text;
  size     numeric := abs(given);
  digits   text;
  exponent integer;
BEGIN
  IF size = 0 OR size >= 1e-6 AND size < 1e21 THEN RETURN written; END IF;
  digits := trim(both '0' FROM translate(written, '-.', ''));
  exponent := CASE WHEN size >= 1 THEN length(trunc(size)::text) - 1 ELSE -length(substring(written from '\.(0*)')) - 1 END;
  RETURN CASE WHEN given < 0 THEN '-' ELSE '' END || left(digits, 1) || CASE WHEN length(digits) > 1 THEN '.' ELSE '' END
    || substr(digits, 2) || 'e' || CASE WHEN exponent < 0 THEN '-' ELSE '+' END || abs(exponent);
END $$;

-- What JSON.stringify makes of a value whose objects have their names in order; names that are indexes come first.
CREATE FUNCTION canonical_json(given jsonb) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  kind    text := jsonb_typeof(given);
  written text;
BEGIN
  IF kind = 'number' THEN RETURN json_number((given #>> '{}')::numeric); END IF;
  IF kind = 'array' THEN
    SELECT string_agg(CASE jsonb_typeof(value) WHEN 'string' THEN value::text ELSE canonical_json(value) END, ',' ORDER BY n)
      INTO written FROM jsonb_array_elements(given) WITH ORDINALITY AS e (value, n);
    RETURN '[' || coalesce(written, '') || ']';
  END IF;
  IF kind = 'object' THEN
    SELECT string_agg(to_json(key)::text || ':' || CASE jsonb_typeof(value) WHEN 'string' THEN value::text ELSE canonical_json(value) END, ','
        ORDER BY CASE WHEN key ~ '^(0|[1-9][0-9]{0,9})$' THEN CASE WHEN key::bigint < 4294967295 THEN key::bigint END END,
          utf16_order(key) COLLATE "C")
      INTO written FROM jsonb_each(given);
    RETURN '{' || coalesce(written, '') || '}';
  END IF;
  RETURN given::text;
END $$;

-- Whether a double holds a number: what JavaScript writes for it has the same value. PostgreSQL does not write a number that lies
-- half-way between two doubles, which JavaScript does where it is the shortest.
CREATE FUNCTION is_double(given numeric) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  size     numeric := trim_scale(abs(given));
  digits   text := trim(both '0' FROM translate(size::text, '.', ''));
  shortest numeric;
  unit     numeric;
BEGIN
  IF size = 0 THEN RETURN true; END IF;
  IF size > 1.7976931348623157e308 OR size < 4.9e-324 THEN RETURN false; END IF;
  shortest := trim_scale(size::float8::text::numeric);
  IF shortest <> size AND length(digits) >= length(trim(both '0' FROM translate(shortest::text, '.', ''))) THEN RETURN false; END IF;
  IF length(digits) < 16 OR size > 1e308 THEN RETURN true; END IF;
  -- Nor may one with a digit less be as good.
  unit := ('1e' || 1 - scale(size) + CASE scale(size) WHEN 0 THEN length(substring(size::text from '0*$')) ELSE 0 END)::numeric;
  RETURN size::float8 NOT IN ((size - size % unit)::float8, (size - size % unit + unit)::float8);
END $$;

-- Where a value has a number that a double does not hold, in words; NULL: nowhere. What lies deeper than any payload may is
-- not looked at.
CREATE FUNCTION inexact_fault(given jsonb, place text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  fault text;
BEGIN
  IF given::text !~ '[0-9.]{16}' THEN RETURN NULL; END IF;
  WITH RECURSIVE walk (value, path, at, depth) AS (
    SELECT given, place, ARRAY[]::bigint[], 0
    UNION ALL
    SELECT i.value, CASE
        WHEN utf16_length(w.path) > 200 THEN w.path
        WHEN i.key IS NULL THEN w.path || '[' || i.n - 1 || ']'
        WHEN i.key !~ '^[A-Za-z0-9_$-]{1,100}$' THEN w.path || '[' || to_json(utf16_head(i.key, 100))::text || ']'
        WHEN w.path = '' THEN i.key
        ELSE w.path || '.' || i.key END,
      w.at || i.n, w.depth + 1
    FROM walk w, LATERAL (
      SELECT o.key, o.value, o.n FROM jsonb_each(CASE jsonb_typeof(w.value) WHEN 'object' THEN w.value END) WITH ORDINALITY AS o (key, value, n)
      UNION ALL
      SELECT NULL, a.value, a.n FROM jsonb_array_elements(CASE jsonb_typeof(w.value) WHEN 'array' THEN w.value END) WITH ORDINALITY AS a (value, n)
    ) AS i
    WHERE w.depth < 40
  )
  SELECT CASE path WHEN '' THEN '' ELSE utf16_head(path, 200) || ': ' END
      || CASE WHEN length(value::text) > 60 THEN left(value::text, 60) || '…' ELSE value::text END
      || ' cannot be represented exactly; send it as a string' INTO fault
    FROM walk WHERE CASE jsonb_typeof(value) WHEN 'number' THEN NOT is_double((value #>> '{}')::numeric) ELSE false END
    ORDER BY at LIMIT 1;
  RETURN fault;
END $$;

-- An instant written as ISO 8601 with Z or an offset, in the years 1970 to 9999; NULL for anything else.
CREATE FUNCTION read_instant(given text) RETURNS timestamptz LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  parts text[] := regexp_match(given, '^([0-9]{4})-([0-9]{2})-([0-9]{2})[Tt]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:[.,]([0-9]{1,9}))?)?(?:[Zz]|([+-])([0-9]{2}):?([0-9]{2})?)$');
  year  integer := parts[1];
  month integer := parts[2];
  day   integer := parts[3];
  hour  integer := parts[4];
  minute integer := parts[5];
  ms    integer := 1000 * coalesce(parts[6], '0')::integer + rpad(coalesce(parts[7], ''), 3, '0')::integer;
  ahead integer := 60 * coalesce(parts[9], '0')::integer + coalesce(parts[10], '0')::integer;
  instant timestamptz;
BEGIN
  IF parts IS NULL OR year < 1969 OR month NOT BETWEEN 1 AND 12 OR hour > 23 OR minute > 59 OR ms > 59999
    OR coalesce(parts[9], '0')::integer > 23 OR coalesce(parts[10], '0')::integer > 59 THEN RETURN NULL; END IF;
  IF day NOT BETWEEN 1 AND extract(day FROM make_date(year, month, 1) + interval '1 month' - interval '1 day') THEN RETURN NULL; END IF;
  instant := make_timestamptz(year, month, day, hour, minute, 0, 'UTC') + ms * interval '1 ms'
    - CASE parts[8] WHEN '-' THEN -ahead ELSE ahead END * interval '1 minute';
  RETURN CASE WHEN instant >= '1970-01-01 00:00:00+00' AND instant < '10000-01-01 00:00:00+00' THEN instant END;
END $$;

-- As JavaScript writes it.
CREATE FUNCTION write_instant(given timestamptz) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT to_char(date_trunc('milliseconds', given AT TIME ZONE 'UTC'), 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
$$;

-- URLs, as browsers read them ----------------------------------------------------------------------------------------------

CREATE FUNCTION is_ipv4(given text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  parts  text[] := string_to_array(regexp_replace(given, '\.$', ''), '.');
  digits text;
  radix  integer;
  value  numeric;
BEGIN
  IF cardinality(parts) > 4 THEN RETURN false; END IF;
  FOR n IN 1 .. cardinality(parts) LOOP
    radix := CASE WHEN parts[n] ~* '^0x' THEN 16 WHEN parts[n] ~ '^0.' THEN 8 ELSE 10 END;
    digits := lower(CASE radix WHEN 16 THEN substr(parts[n], 3) ELSE parts[n] END COLLATE "C");
    IF parts[n] = '' OR digits !~ (CASE radix WHEN 16 THEN '^[0-9a-f]*$' WHEN 8 THEN '^[0-7]+$' ELSE '^[0-9]+$' END) THEN RETURN false; END IF;
    digits := ltrim(digits, '0');
    IF length(digits) > 12 THEN RETURN false; END IF;
    value := 0;
    FOR at IN 1 .. length(digits) LOOP value := value * radix + strpos('0123456789abcdef', substr(digits, at, 1)) - 1; END LOOP;
    IF value >= (CASE WHEN n < cardinality(parts) THEN 256 ELSE power(256::numeric, 5 - n) END) THEN RETURN false; END IF;
  END LOOP;
  RETURN true;
END $$;

CREATE FUNCTION is_ipv6(given text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  tail   text := substring(given from '[^:]*\.[^:]*$');
  pieces text := CASE WHEN tail IS NULL THEN given ELSE left(given, -length(tail)) || '0:0' END;
  halves text[];
  count  integer;
BEGIN
  IF tail !~ '^((25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])(\.(?!$)|$)){4}$' THEN RETURN false; END IF;
  halves := string_to_array(pieces, '::');
  IF cardinality(halves) > 2 OR EXISTS (SELECT FROM unnest(halves) AS half
    WHERE half !~ '^([0-9A-Fa-f]{1,4}(:[0-9A-Fa-f]{1,4})*)?$') THEN RETURN false; END IF;
  count := (SELECT coalesce(sum(cardinality(string_to_array(nullif(half, ''), ':'))), 0) FROM unnest(halves) AS half);
  RETURN CASE cardinality(halves) WHEN 2 THEN count <= 7 ELSE count = 8 END;
END $$;

-- Of names beyond ASCII only the characters of ASCII are checked: what IDNA says of the rest, the task meets when it runs.
CREATE FUNCTION is_host(given text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  host text := given;
  last text;
BEGIN
  IF given ~ '^\[' THEN RETURN given ~ '\]$' AND is_ipv6(substr(given, 2, length(given) - 2)); END IF;
  IF strpos(given, '%') > 0 THEN
    -- A sign that begins nothing stays, and is refused below.
    SELECT convert_from(string_agg(CASE WHEN m[1] IS NULL THEN convert_to(m[2], 'UTF8') ELSE decode(m[1], 'hex') END, '' ORDER BY n), 'UTF8')
      INTO host FROM regexp_matches(given, '%([0-9A-Fa-f]{2})|([^%]+|%)', 'g') WITH ORDINALITY AS r (m, n);
  END IF;
  IF host = '' OR host ~ '[\u0001-\u0020#/:<>?@\[\\\]^|%\u007f]' THEN RETURN false; END IF;
  IF octet_length(host) > length(host) THEN RETURN true; END IF;
  last := substring(host from '([^.]+)\.?$');
  RETURN last IS NULL OR last !~ '^([0-9]+|0[xX][0-9A-Fa-f]*)$' OR is_ipv4(host);
EXCEPTION WHEN character_not_in_repertoire THEN
  RETURN false;
END $$;

CREATE FUNCTION url_fault(given text, field text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  url       text := translate(regexp_replace(given, '^[\u0001-\u0020]+|[\u0001-\u0020]+$', '', 'g'), chr(9) || chr(10) || chr(13), '');
  authority text := substring(url from '^[Hh][Tt][Tt][Pp][Ss]?:[/\\]*([^/\\?#]*)');
  host      text := substring(authority from '[^@]*$');
  name      text := substring(host from '^((?:\[[^\]]*\]?|[^:\[])*)');
  port      text := substr(host, length(name) + 1);
BEGIN
  IF authority IS NULL OR NOT is_host(name) OR port !~ '^(:0*([0-9]{1,5})?)?$' OR coalesce(nullif(substring(port from '[0-9]+'), '')::numeric, 0) > 65535 THEN
    RETURN field || ' must be a URL with http: or https:';
  END IF;
  IF authority ~ '@' AND substring(authority from '^(.*)@') NOT IN ('', ':') THEN
    RETURN field || ' must have no name or password; use payload.headers';
  END IF;
  RETURN NULL;
END $$;

-- What may be said of a task -----------------------------------------------------------------------------------------------

-- Each of these says what is wrong with a field, or NULL. A field that is not there, or null, is not wrong unless it is required.

CREATE FUNCTION text_fault(field text, given jsonb, most integer, missing text DEFAULT NULL) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  written text := given #>> '{}';
BEGIN
  RETURN CASE
    WHEN written IS NULL THEN NULL
    WHEN jsonb_typeof(given) <> 'string' THEN field || ' must be a string'
    WHEN length(written) > most THEN field || ' must be at most ' || most || ' characters'
    WHEN written = '' THEN missing END;
END $$;

CREATE FUNCTION name_fault(field text, given jsonb) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  RETURN coalesce(text_fault(field, given, 100, field || ' must not be empty'),
    CASE WHEN given #>> '{}' !~ '^[A-Za-z0-9][A-Za-z0-9_.:=-]*$' THEN field || ' must begin with a letter or digit and have only letters, digits and _ . : = -' END);
END $$;

-- Whether it is there, and no number from `low` to `high`.
CREATE FUNCTION is_no_number(given jsonb, low numeric, high numeric) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  RETURN CASE jsonb_typeof(given) WHEN 'null' THEN false WHEN 'number' THEN (given #>> '{}')::numeric NOT BETWEEN low AND high ELSE given IS NOT NULL END;
END $$;

CREATE FUNCTION is_no_whole_number(given jsonb, low numeric, high numeric) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  RETURN is_no_number(given, low, high) OR CASE jsonb_typeof(given) WHEN 'number' THEN (given #>> '{}')::numeric % 1 <> 0 ELSE false END;
END $$;

CREATE FUNCTION whole_number_fault(field text, given jsonb, low bigint, high bigint) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  RETURN CASE WHEN is_no_whole_number(given, low, high) THEN field || ' must be a whole number from ' || low || ' to ' || high END;
END $$;

CREATE FUNCTION choice_fault(field text, given jsonb, choices text[]) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  RETURN CASE WHEN given <> 'null' AND (jsonb_typeof(given) <> 'string' OR given #>> '{}' <> ALL (choices))
    THEN field || ' must be one of: ' || array_to_string(choices, ', ') END;
END $$;

-- A priority by its name, in any case, or by its number; NULL for anything else.
CREATE FUNCTION read_priority(given jsonb) RETURNS smallint LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  RETURN CASE jsonb_typeof(given)
    WHEN 'number' THEN CASE WHEN NOT is_no_whole_number(given, -32768, 32767) THEN (given #>> '{}')::numeric END
    -- As in JavaScript, the I without a dot is one.
    WHEN 'string' THEN array_position(ARRAY['LOW', 'MEDIUM', 'HIGH', 'CRITICAL'], upper(replace(given #>> '{}', chr(305), 'I') COLLATE "C")) - 1 END;
END $$;

CREATE FUNCTION labels_fault(given jsonb) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  bad   text := 'labels must be an array of at most 20 names';
  label jsonb;
  fault text;
BEGIN
  IF given IS NULL OR given = 'null' THEN RETURN NULL; END IF;
  IF jsonb_typeof(given) <> 'array' THEN RETURN bad; END IF;
  IF jsonb_array_length(given) > 20 THEN RETURN bad; END IF;
  FOR label IN SELECT jsonb_array_elements(given) LOOP
    fault := CASE label WHEN 'null' THEN 'labels must not be empty' ELSE name_fault('labels', label) END;
    IF fault IS NOT NULL THEN RETURN fault; END IF;
  END LOOP;
  RETURN NULL;
END $$;

CREATE FUNCTION depends_on_fault(given jsonb) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  bad   text := 'depends_on must be an array of at most 100 ids of tasks';
  wrong bigint;
BEGIN
  IF given IS NULL OR given = 'null' THEN RETURN NULL; END IF;
  IF jsonb_typeof(given) <> 'array' THEN RETURN bad; END IF;
  IF jsonb_array_length(given) > 100 OR EXISTS (SELECT FROM jsonb_array_elements(given) AS id WHERE jsonb_typeof(id) <> 'string') THEN RETURN bad; END IF;
  SELECT min(n) - 1 INTO wrong FROM jsonb_array_elements_text(given) WITH ORDINALITY AS e (id, n)
    WHERE id !~ '^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$';
  RETURN 'depends_on[' || wrong || '] must be a UUID';
END $$;

CREATE FUNCTION payload_fault(given jsonb) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  written text := given::text;
BEGIN
  IF jsonb_typeof(given) IN ('object', 'array') AND length(written) - length(translate(written, '[{', '')) > 32
    AND jsonb_path_exists(given, 'strict $.**{32} ? (@.type() == "object" || @.type() == "array")') THEN
    RETURN 'payload must not be nested deeper than 32 levels';
  END IF;
  -- What PostgreSQL writes is never shorter.
  RETURN CASE WHEN octet_length(written) > 262144 AND utf16_length(canonical_json(given)) > 262144
    THEN 'payload must be at most 262144 characters' END;
END $$;

CREATE FUNCTION texts_fault(field text, given jsonb, pattern text, but_not text, what text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  one record;
BEGIN
  IF given IS NULL THEN RETURN NULL; END IF;
  IF jsonb_typeof(given) <> 'object' THEN RETURN field || ' must be an object'; END IF;
  FOR one IN SELECT key, value FROM jsonb_each(given) LOOP
    IF one.key !~ pattern OR lower(one.key COLLATE "C") ~ but_not THEN
      RETURN field || ' has a name that ' || what || ': '
        || CASE WHEN utf16_length(one.key) > 100 THEN utf16_head(one.key, 99) || '…' ELSE one.key END;
    END IF;
    IF jsonb_typeof(one.value) <> 'string' THEN RETURN field || '.' || one.key || ' must be a string'; END IF;
  END LOOP;
  RETURN NULL;
END $$;

CREATE FUNCTION headers_fault(given jsonb) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  RETURN coalesce(
    texts_fault('payload.headers', given, '^[!#$%&''*+.^_`|~0-9A-Za-z-]+$',
      '^(host|connection|content-length|transfer-encoding|upgrade|te|trailer|keep-alive|expect|proxy-.*)$', 'is no header that can be set'),
    (SELECT 'payload.headers.' || key || ' must be one line' FROM jsonb_each_text(given) WHERE value ~ '[\r\n]' LIMIT 1));
END $$;

CREATE FUNCTION is_status(given jsonb) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  RETURN CASE jsonb_typeof(given) WHEN 'number' THEN NOT is_no_whole_number(given, 100, 599) WHEN 'string' THEN given #>> '{}' ~ '^[1-5]xx$' ELSE false END;
END $$;

-- What is wrong with a task that its executor could only fail.
CREATE FUNCTION executor_fault(executor text, command text, payload jsonb) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  fields  jsonb;
  method  text;
  sends_parents boolean;
  what    text;
  fault   text;
BEGIN
  IF executor = 'function' THEN
    RETURN CASE WHEN command !~ '^[A-Za-z0-9][A-Za-z0-9_.:-]{0,99}$' THEN 'command must be the name of a handler: letters, digits and _.:-' END;
  END IF;
  IF executor NOT IN ('shell', 'http') THEN RETURN NULL; END IF;
  IF jsonb_typeof(payload) NOT IN ('null', 'object') THEN RETURN 'payload must be an object for the executor ' || executor; END IF;
  fields := CASE jsonb_typeof(payload) WHEN 'object' THEN payload ELSE '{}' END;
  -- Fields that are null are not there.
  SELECT coalesce(jsonb_object_agg(key, value), '{}') INTO fields FROM jsonb_each(fields) WHERE value <> 'null';
  method := fields ->> 'method';
  IF executor = 'shell' THEN
    fault := coalesce(
      texts_fault('payload.env', fields -> 'env', '^(?!TASKMASTER_)[A-Za-z_][A-Za-z0-9_]*$', '^$', 'is no name for a variable, or is one of ours'),
      whole_number_fault('payload.memory_mb', fields -> 'memory_mb', 1, 1048576),
      CASE WHEN is_no_number(fields -> 'cpus', 0.01, 1024) THEN 'payload.cpus must be a number from 0.01 to 1024' END);
  ELSE
    fault := coalesce(
      CASE WHEN jsonb_typeof(fields -> 'url') <> 'string' THEN 'payload.url must be a string' END,
      CASE WHEN jsonb_typeof(fields -> 'method') <> 'string' OR method !~ '^(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS)$'
        THEN 'payload.method must be GET, HEAD, POST, PUT, PATCH, DELETE or OPTIONS' END,
      headers_fault(fields -> 'headers'),
      CASE WHEN NOT CASE jsonb_typeof(fields -> 'expect_status') WHEN 'array' THEN
          (SELECT count(*) > 0 AND bool_and(is_status(item)) FROM jsonb_array_elements(fields -> 'expect_status') AS item)
          ELSE is_status(fields -> 'expect_status') END AND fields ? 'expect_status'
        THEN 'payload.expect_status must be a status such as 200, a range such as "2xx", or a list of them' END,
      whole_number_fault('payload.timeout_ms', fields -> 'timeout_ms', 1, 2147483647),
      whole_number_fault('payload.max_redirects', fields -> 'max_redirects', 0, 5),
      CASE WHEN jsonb_typeof(fields -> 'send_parents') <> 'boolean' THEN 'payload.send_parents must be true or false' END);
  END IF;
  IF fault IS NOT NULL THEN RETURN fault; END IF;
  -- What JavaScript takes for true.
  sends_parents := fields ? 'send_parents' AND fields -> 'send_parents' NOT IN ('false', '0', '""');
  IF executor = 'http' AND method IN ('GET', 'HEAD') THEN
    what := CASE WHEN sends_parents THEN 'payload.send_parents' WHEN fields ? 'body' THEN 'payload.body' END;
    IF what IS NOT NULL THEN RETURN what || ' cannot be sent with ' || method || ', which has no body'; END IF;
  END IF;
  IF sends_parents AND jsonb_typeof(fields -> 'body') <> 'object' THEN
    RETURN 'payload.body must be an object, or left out, when payload.send_parents is true';
  END IF;
  RETURN CASE WHEN executor = 'shell' THEN NULL
    WHEN fields ->> 'url' <> '' THEN url_fault(fields ->> 'url', 'payload.url')
    ELSE url_fault(command, 'command') END;
END $$;

-- The first thing that is wrong with a task, which begins with its field; NULL: nothing.
CREATE FUNCTION submission_fault(task jsonb) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  RETURN coalesce(
    CASE WHEN task ->> 'command' IS NULL THEN 'command is required' END,
    text_fault('command', task -> 'command', 65536, 'command is required'),
    CASE WHEN is_no_number(task -> 'delay_seconds', 0, 3153600000) THEN 'delay_seconds must be a number from 0 to 3153600000' END,
    text_fault('name', task -> 'name', 255),
    text_fault('description', task -> 'description', 10000),
    CASE WHEN task ->> 'priority' IS NOT NULL AND read_priority(task -> 'priority') IS NULL
      THEN 'priority must be LOW, MEDIUM, HIGH, CRITICAL or a whole number from -32768 to 32767' END,
    choice_fault('executor', task -> 'executor', '{simulate,shell,http,function}'),
    payload_fault(task -> 'payload'),
    whole_number_fault('max_retries', task -> 'max_retries', 0, 32767),
    whole_number_fault('retry_backoff_ms', task -> 'retry_backoff_ms', 0, 2147483647),
    whole_number_fault('retry_backoff_cap_ms', task -> 'retry_backoff_cap_ms', 0, 2147483647),
    whole_number_fault('timeout_ms', task -> 'timeout_ms', 1, 2147483647),
    whole_number_fault('cancel_grace_ms', task -> 'cancel_grace_ms', 0, 2147483647),
    name_fault('queue', task -> 'queue'),
    text_fault('concurrency_key', task -> 'concurrency_key', 255, 'concurrency_key must not be empty'),
    labels_fault(task -> 'labels'),
    depends_on_fault(task -> 'depends_on'),
    choice_fault('on_parent_failure', task -> 'on_parent_failure', '{fail,skip,continue}'),
    text_fault('idempotency_key', task -> 'idempotency_key', 255, 'idempotency_key must not be empty'),
    CASE WHEN task -> 'scheduled_at' = '""' THEN 'scheduled_at: command and scheduled_at are required' END,
    CASE WHEN task ->> 'scheduled_at' IS NOT NULL AND (jsonb_typeof(task -> 'scheduled_at') <> 'string' OR read_instant(task ->> 'scheduled_at') IS NULL)
      THEN 'scheduled_at: Invalid date format. Use ISO 8601 format.' END,
    -- REST passes by fields that it does not know; this one would be taken for granted by those who know submit().
    CASE WHEN task ? 'run_at' THEN 'run_at is a parameter of submit() alone; use scheduled_at' END,
    executor_fault(coalesce(task ->> 'executor', 'simulate'), task ->> 'command', task -> 'payload'),
    CASE WHEN task ->> 'scheduled_at' IS NOT NULL AND coalesce((task ->> 'delay_seconds')::numeric, 0) <> 0
      THEN 'delay_seconds and scheduled_at must not both be given' END);
END $$;

-- Storing ------------------------------------------------------------------------------------------------------------------

-- The labels of a task, in order, each once.
CREATE FUNCTION submission_labels(task jsonb) RETURNS text[] LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  IF task ->> 'labels' IS NULL THEN RETURN '{}'; END IF;
  RETURN ARRAY(SELECT DISTINCT label COLLATE "C" FROM jsonb_array_elements_text(task -> 'labels') AS label ORDER BY 1);
END $$;

-- What a task depends on, each once, and where it says so last.
CREATE FUNCTION submission_parents(task jsonb) RETURNS TABLE (id uuid, first bigint, place bigint) LANGUAGE sql IMMUTABLE AS $$
  SELECT e.given::uuid, min(e.n), max(e.n) - 1 FROM jsonb_array_elements_text(nullif(task -> 'depends_on', 'null')) WITH ORDINALITY AS e (given, n)
  GROUP BY 1
$$;

-- `laneOf` of src/shared/core/lane.ts.
CREATE FUNCTION submission_lane(task jsonb) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  RETURN coalesce(nullif(task ->> 'queue', 'default'), '') || '/'
    || CASE task ->> 'executor' WHEN 'function' THEN 'function:' || (task ->> 'command') ELSE coalesce(nullif(task ->> 'executor', 'simulate'), '') END || '/'
    || array_to_string(submission_labels(task), ',');
END $$;

-- `hashRequest` of src/shared/idempotency.ts: equal for the same request, by whatever way it comes. What is at its default is
-- not in it.
CREATE FUNCTION submission_hash(task jsonb) RETURNS text LANGUAGE plpgsql STABLE AS $$
DECLARE
  parents uuid[] := CASE WHEN task ->> 'depends_on' IS NOT NULL THEN ARRAY(SELECT id FROM submission_parents(task) ORDER BY id) END;
  asked   jsonb := jsonb_strip_nulls(jsonb_build_object(
    'command', task -> 'command',
    'name', nullif(task -> 'name', '""'),
    'description', nullif(task -> 'description', '""'),
    'executor', nullif(task -> 'executor', '"simulate"'),
    'priority', nullif(read_priority(task -> 'priority'), 0),
    'maxRetries', nullif(task -> 'max_retries', '0'),
    'retryBackoffMs', task -> 'retry_backoff_ms',
    'retryBackoffCapMs', task -> 'retry_backoff_cap_ms',
    'timeoutMs', task -> 'timeout_ms',
    'cancelGraceMs', nullif(task -> 'cancel_grace_ms', '5000'),
    'queue', nullif(task -> 'queue', '"default"'),
    'labels', nullif(submission_labels(task), '{}'),
    'concurrencyKey', task -> 'concurrency_key',
    'onParentFailure', nullif(task -> 'on_parent_failure', '"fail"'),
    'dependsOn', nullif(parents, '{}'),
    'at', CASE WHEN task ->> 'scheduled_at' IS NOT NULL THEN to_jsonb(write_instant(read_instant(task ->> 'scheduled_at')))
      WHEN (task ->> 'delay_seconds')::numeric <> 0 THEN jsonb_build_object('delaySeconds', task -> 'delay_seconds') END));
BEGIN
  IF task ->> 'payload' IS NOT NULL THEN asked := asked || jsonb_build_object('payload', task -> 'payload'); END IF;
  RETURN translate(encode(sha256(convert_to(canonical_json(asked), 'UTF8')), 'base64'), '+/=', '-_');
END $$;


CREATE FUNCTION refuse(message text, field text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = message, DETAIL = field, COLUMN = field;
END $$;

-- Refuses tasks of which one has a fault; it is named with its place where there are many.
CREATE FUNCTION check_tasks(tasks jsonb[], is_many boolean) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  fault text;
BEGIN
  FOR n IN 1 .. cardinality(tasks) LOOP
    fault := inexact_fault(tasks[n], CASE WHEN is_many THEN format('tasks[%s]', n - 1) ELSE '' END);
    IF fault IS NOT NULL THEN PERFORM refuse(fault, substring(fault from '^(?:tasks\[\d+\]\.)?([a-z_]+)')); END IF;
  END LOOP;
  FOR n IN 1 .. cardinality(tasks) LOOP
    IF jsonb_typeof(tasks[n]) <> 'object' THEN PERFORM refuse(format('tasks[%s] must be an object', n - 1), 'tasks'); END IF;
    fault := submission_fault(tasks[n]);
    CONTINUE WHEN fault IS NULL;
    IF is_many THEN PERFORM refuse(format('tasks[%s].%s', n - 1, fault), substring(fault from '^[a-z_]+')); END IF;
    PERFORM refuse(replace(regexp_replace(fault, '^scheduled_at: ', ''), 'and scheduled_at', 'and run_at'),
      regexp_replace(substring(fault from '^[a-z_]+'), '^scheduled_at$', 'run_at'));
  END LOOP;
  IF (SELECT sum(jsonb_array_length(nullif(task -> 'depends_on', 'null'))) FROM unnest(tasks) AS task) > 20000
    AND (SELECT count(*) FROM unnest(tasks) AS task, submission_parents(task)) > 20000 THEN
    PERFORM refuse('tasks must have at most 20000 dependencies in all', 'tasks');
  END IF;
END $$;

-- What the transactions that are under way have submitted: each moves its own rows to `tasks` as the first thing of its commit,
-- and nobody ever sees one of another. For to store a task is to lock what others need (its idempotency key, a new queue, the
-- row of its concurrency key, the tasks that it depends on), and a transaction of an application's may last.
CREATE UNLOGGED TABLE submissions (
  xid       xid8        NOT NULL DEFAULT pg_current_xact_id(),
  id        uuid        NOT NULL,
  task      jsonb       NOT NULL,
  idempotency_key text,
  request_hash    text,
  called_at timestamptz NOT NULL,
  leads     boolean     NOT NULL                  -- the first of a call, whose commit moves all
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX submissions_xid ON submissions (xid, idempotency_key);

CREATE FUNCTION refuse_key(place text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION USING ERRCODE = 'unique_violation', COLUMN = 'idempotency_key', DETAIL = 'idempotency_key',
    MESSAGE = place || 'another request was made under the same idempotency_key';
END $$;

-- Submits tasks, all or none, and returns their ids. One whose idempotency key stands for the same request already is that one.
CREATE FUNCTION submit_tasks(tasks jsonb[], is_many boolean) RETURNS uuid[] LANGUAGE plpgsql AS $$
DECLARE
  called_at timestamptz := clock_timestamp();     -- not now(): the caller's transaction may have begun long ago
  from_id bigint := extract(epoch FROM called_at) * 4096000;
  ids     uuid[];
  keys    text[];
  hashes  text[];
  fresh   boolean[];
  one     record;
BEGIN
  PERFORM check_tasks(tasks, is_many);
  SELECT array_agg(uuid_v7(from_id + n) ORDER BY n), array_agg(task ->> 'idempotency_key' ORDER BY n),
      array_agg(CASE WHEN task ->> 'idempotency_key' IS NOT NULL THEN submission_hash(task) END ORDER BY n), array_agg(true)
    INTO ids, keys, hashes, fresh FROM unnest(tasks) WITH ORDINALITY AS t (task, n);

  -- Those whose keys are taken: by tasks, by others of this transaction, or by an earlier one of these.
  IF array_remove(keys, NULL) <> '{}' THEN
    FOR one IN
      SELECT k.n, coalesce(h.id, first_value(ids[k.n]) OVER same) AS id,
        CASE WHEN h.id IS NULL THEN first_value(hashes[k.n]) OVER same ELSE h.hash END AS hash
      FROM generate_series(1, cardinality(keys)) AS k (n) LEFT JOIN LATERAL (
        SELECT t.task_id AS id, t.request_hash AS hash FROM idempotency_keys t WHERE t.key = keys[k.n]
        UNION ALL
        SELECT s.id, s.request_hash FROM submissions s WHERE s.xid = pg_current_xact_id() AND s.idempotency_key = keys[k.n]
        LIMIT 1
      ) AS h ON true
      WHERE keys[k.n] IS NOT NULL WINDOW same AS (PARTITION BY keys[k.n] ORDER BY k.n) ORDER BY k.n
    LOOP
      IF one.hash IS DISTINCT FROM hashes[one.n] THEN PERFORM refuse_key(CASE WHEN is_many THEN format('tasks[%s]: ', one.n - 1) ELSE '' END); END IF;
      fresh[one.n] := one.id = ids[one.n];
      ids[one.n] := one.id;
    END LOOP;
  END IF;

  SELECT n, p.place, p.id INTO one
    FROM generate_series(1, cardinality(tasks)) AS n, submission_parents(tasks[n]) AS p
    WHERE fresh[n] AND tasks[n] ? 'depends_on' AND NOT EXISTS (SELECT FROM tasks t WHERE t.id = p.id)
      AND NOT EXISTS (SELECT FROM submissions s WHERE s.xid = pg_current_xact_id() AND s.id = p.id)
    ORDER BY n, p.first LIMIT 1;
  IF FOUND THEN
    PERFORM refuse(format('%sdepends_on[%s]: there is no task %s', CASE WHEN is_many THEN format('tasks[%s].', one.n - 1) END, one.place, one.id), 'depends_on');
  END IF;

  INSERT INTO submissions (id, task, idempotency_key, request_hash, called_at, leads)
    SELECT ids[n], tasks[n], keys[n], hashes[n], called_at, row_number() OVER (ORDER BY n) = 1 FROM generate_series(1, cardinality(tasks)) AS n WHERE fresh[n];
  RETURN ids;
END $$;

-- Stores what this transaction has submitted. It is called for each call of submit(), as deferred constraints are checked;
-- the first time does it for all.
CREATE FUNCTION store_submissions() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
  given  uuid[];
  needed uuid[];                                  -- what they depend on, of others
  locked uuid[];
  stored_at timestamptz := clock_timestamp();     -- before that none of them was due for anybody
  count  bigint;
BEGIN
  IF EXISTS (SELECT FROM tasks t WHERE t.id = NEW.id) THEN RETURN NULL; END IF;
  given := ARRAY(SELECT s.id FROM submissions s WHERE s.xid = pg_current_xact_id());
  SELECT array_agg(DISTINCT p.id) INTO needed FROM submissions s, submission_parents(s.task) AS p
    WHERE s.xid = pg_current_xact_id() AND s.task ? 'depends_on' AND p.id <> ALL (given);
  IF needed IS NOT NULL THEN
    -- So that none ends unseen.
    locked := ARRAY(SELECT t.id FROM task_records t WHERE t.id = ANY (needed) ORDER BY t.id FOR NO KEY UPDATE);
    IF cardinality(locked) < cardinality(needed) THEN
      PERFORM refuse(format('depends_on: there is no task %s', n), 'depends_on') FROM unnest(needed) AS n WHERE n <> ALL (locked) LIMIT 1;
    END IF;
  END IF;

  INSERT INTO idempotency_keys (key, task_id, request_hash)
    SELECT s.idempotency_key, s.id, s.request_hash FROM submissions s
    WHERE s.xid = pg_current_xact_id() AND s.idempotency_key IS NOT NULL ORDER BY s.idempotency_key COLLATE "C"
    ON CONFLICT (key) DO NOTHING;
  GET DIAGNOSTICS count = ROW_COUNT;
  IF count < (SELECT count(*) FROM submissions s WHERE s.xid = pg_current_xact_id() AND s.idempotency_key IS NOT NULL) THEN
    -- Another transaction took a key meanwhile, and the caller has been told of an id that is not to be.
    PERFORM refuse_key('') FROM submissions s JOIN idempotency_keys k ON k.key = s.idempotency_key
      WHERE s.xid = pg_current_xact_id() AND k.task_id <> s.id AND k.request_hash IS DISTINCT FROM s.request_hash LIMIT 1;
    RAISE EXCEPTION USING ERRCODE = 'serialization_failure', COLUMN = 'idempotency_key', DETAIL = 'idempotency_key',
      MESSAGE = 'another transaction made the same request under the same idempotency_key meanwhile; try again';
  END IF;

  INSERT INTO task_records (id, name, description, command, payload, priority, max_retries, retry_backoff_ms, retry_backoff_cap_ms,
    timeout_ms, cancel_grace_ms, scheduled_at, due_at, idempotency_key, executor, lane, concurrency_key,
    parents, waits_for, has_dependents, on_parent_failure)
  SELECT s.id, coalesce(task ->> 'name', ''), coalesce(task ->> 'description', ''), task ->> 'command', nullif(task -> 'payload', 'null'),
    coalesce(read_priority(task -> 'priority'), 0), coalesce((task ->> 'max_retries')::numeric::smallint, 0),
    (task ->> 'retry_backoff_ms')::numeric::integer, (task ->> 'retry_backoff_cap_ms')::numeric::integer,
    (task ->> 'timeout_ms')::numeric::integer, coalesce((task ->> 'cancel_grace_ms')::numeric::integer, 5000),
    time.at, time.at, s.idempotency_key, coalesce(task ->> 'executor', 'simulate'), submission_lane(task), task ->> 'concurrency_key',
    nullif(depends.count, 0), depends.count, false, nullif(task ->> 'on_parent_failure', 'fail')
  FROM submissions s,
    LATERAL (SELECT coalesce(read_instant(task ->> 'scheduled_at'),
      greatest(s.called_at + 1000 * coalesce((task ->> 'delay_seconds')::float8, 0) * interval '1 ms', stored_at)) AS at) AS time,
    LATERAL (SELECT CASE WHEN task ? 'depends_on' THEN (SELECT count(*)::integer FROM submission_parents(task)) ELSE 0 END AS count) AS depends
  WHERE s.xid = pg_current_xact_id() ORDER BY s.id;

  INSERT INTO dependencies (task_id, depends_on)
    SELECT s.id, p.id FROM submissions s, submission_parents(s.task) AS p WHERE s.xid = pg_current_xact_id() AND s.task ? 'depends_on';
  IF FOUND THEN
    UPDATE task_records t SET has_dependents = true
      WHERE t.id IN (SELECT p.id FROM submissions s, submission_parents(s.task) AS p WHERE s.xid = pg_current_xact_id()) AND NOT t.has_dependents;
    -- As if those that have ended did so now.
    INSERT INTO ended_parents (task_id, state) SELECT t.id, t.state FROM tasks t
      WHERE t.id = ANY (needed) AND t.state IN ('completed', 'failed', 'cancelled') ORDER BY t.id;
    IF FOUND THEN PERFORM notify_hint('taskmaster_parents', ''); END IF;
  END IF;
  DELETE FROM submissions s WHERE s.xid = pg_current_xact_id();
  PERFORM make_ready(given);
  PERFORM send_notices(note_stored(count(*), ARRAY[count(*) FILTER (WHERE t.priority = 0), count(*) FILTER (WHERE t.priority = 1),
      count(*) FILTER (WHERE t.priority = 2), count(*) FILTER (WHERE t.priority = 3), count(*) FILTER (WHERE t.priority NOT BETWEEN 0 AND 3)],
    min(t.due_at) FILTER (WHERE t.waits_for = 0), (array_agg(t.id))[1:60],
    array_agg(t.lane) FILTER (WHERE is_governed(t.lane, t.concurrency_key)),
    array_agg(t.concurrency_key) FILTER (WHERE is_governed(t.lane, t.concurrency_key)),
    array_agg(CASE WHEN t.waits_for = 0 THEN t.due_at END) FILTER (WHERE is_governed(t.lane, t.concurrency_key))))
    FROM task_records t WHERE t.id = ANY (given);
  RETURN NULL;
END $$;

CREATE CONSTRAINT TRIGGER store_submissions AFTER INSERT ON submissions
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.leads) EXECUTE FUNCTION store_submissions();

-- What callers call --------------------------------------------------------------------------------------------------------

-- Submits a task and returns its id. What is left out, or NULL, is at its default.
CREATE FUNCTION submit(
  command              text,
  executor             text DEFAULT NULL,
  payload              jsonb DEFAULT NULL,
  run_at               timestamptz DEFAULT NULL,
  queue                text DEFAULT NULL,
  idempotency_key      text DEFAULT NULL,
  priority             text DEFAULT NULL,
  name                 text DEFAULT NULL,
  description          text DEFAULT NULL,
  labels               text[] DEFAULT NULL,
  concurrency_key      text DEFAULT NULL,
  max_retries          numeric DEFAULT NULL,
  retry_backoff_ms     numeric DEFAULT NULL,
  retry_backoff_cap_ms numeric DEFAULT NULL,
  timeout_ms           numeric DEFAULT NULL,
  cancel_grace_ms      numeric DEFAULT NULL,
  delay_seconds        double precision DEFAULT NULL,
  depends_on           uuid[] DEFAULT NULL,
  on_parent_failure    text DEFAULT NULL
) RETURNS uuid LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
  RETURN (submit_tasks(ARRAY[jsonb_build_object(
    'command', command, 'executor', executor, 'payload', payload,
    'scheduled_at', CASE WHEN run_at >= '1970-01-01 00:00:00+00' AND run_at < '10000-01-01 00:00:00+00' THEN write_instant(run_at) ELSE run_at::text END,
    'queue', queue, 'idempotency_key', idempotency_key, 'priority', priority, 'name', name, 'description', description,
    'labels', labels, 'concurrency_key', concurrency_key, 'max_retries', max_retries, 'retry_backoff_ms', retry_backoff_ms,
    'retry_backoff_cap_ms', retry_backoff_cap_ms, 'timeout_ms', timeout_ms, 'cancel_grace_ms', cancel_grace_ms,
    'delay_seconds', delay_seconds, 'depends_on', depends_on, 'on_parent_failure', on_parent_failure
  )], false))[1];
END $$;

-- The same with a number as its priority.
CREATE FUNCTION submit(
  command              text,
  priority             numeric,
  executor             text DEFAULT NULL,
  payload              jsonb DEFAULT NULL,
  run_at               timestamptz DEFAULT NULL,
  queue                text DEFAULT NULL,
  idempotency_key      text DEFAULT NULL,
  name                 text DEFAULT NULL,
  description          text DEFAULT NULL,
  labels               text[] DEFAULT NULL,
  concurrency_key      text DEFAULT NULL,
  max_retries          numeric DEFAULT NULL,
  retry_backoff_ms     numeric DEFAULT NULL,
  retry_backoff_cap_ms numeric DEFAULT NULL,
  timeout_ms           numeric DEFAULT NULL,
  cancel_grace_ms      numeric DEFAULT NULL,
  delay_seconds        double precision DEFAULT NULL,
  depends_on           uuid[] DEFAULT NULL,
  on_parent_failure    text DEFAULT NULL
) RETURNS uuid LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
  RETURN (submit_tasks(ARRAY[jsonb_build_object(
    'command', command, 'executor', executor, 'payload', payload,
    'scheduled_at', CASE WHEN run_at >= '1970-01-01 00:00:00+00' AND run_at < '10000-01-01 00:00:00+00' THEN write_instant(run_at) ELSE run_at::text END,
    'queue', queue, 'idempotency_key', idempotency_key, 'priority', priority, 'name', name, 'description', description,
    'labels', labels, 'concurrency_key', concurrency_key, 'max_retries', max_retries, 'retry_backoff_ms', retry_backoff_ms,
    'retry_backoff_cap_ms', retry_backoff_cap_ms, 'timeout_ms', timeout_ms, 'cancel_grace_ms', cancel_grace_ms,
    'delay_seconds', delay_seconds, 'depends_on', depends_on, 'on_parent_failure', on_parent_failure
  )], false))[1];
END $$;

-- Submits many tasks, all or none: an array of objects with the fields of POST /tasks and scheduled_at. Returns their ids in order.
CREATE FUNCTION submit_many(tasks jsonb) RETURNS uuid[] LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
  IF (CASE jsonb_typeof(tasks) WHEN 'array' THEN jsonb_array_length(tasks) NOT BETWEEN 1 AND 10000 ELSE true END) THEN
    PERFORM refuse('tasks must be an array of 1 to 10000 tasks', 'tasks');
  END IF;
  RETURN submit_tasks(ARRAY(SELECT jsonb_array_elements(tasks)), true);
END $$;

-- Lets a role submit, and nothing else. For the owner of the schema.
CREATE FUNCTION allow_submit(role regrole) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  home regnamespace := (SELECT p.pronamespace FROM pg_proc p WHERE p.oid = 'submit_many(jsonb)'::regprocedure);
  one  regprocedure;
BEGIN
  EXECUTE format('GRANT USAGE ON SCHEMA %s TO %s', home, role);
  FOR one IN SELECT p.oid FROM pg_proc p WHERE p.pronamespace = home AND p.proname IN ('submit', 'submit_many') LOOP
    EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO %s', one, role);
  END LOOP;
END $$;

-- Nobody but the owner may call any of these until it is allowed. Those that callers call have the owner's rights: so they
-- read names in the catalog and in this schema alone, whatever the caller's search_path is and whatever temporary tables
-- there are, and other settings of the caller's session change neither what statements mean nor how values are written.
DO $$
DECLARE
  one record;
  setting text;
BEGIN
  FOR one IN
    SELECT p.oid::regprocedure AS name, p.proname IN ('submit', 'submit_many', 'allow_submit', 'store_submissions') AS is_entry FROM pg_proc p
    JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = current_schema()
      AND p.proname IN ('utf16_length', 'utf16_head', 'utf16_order', 'json_number', 'canonical_json',
      'is_double', 'inexact_fault', 'read_instant', 'write_instant', 'is_ipv4', 'is_ipv6', 'is_host', 'url_fault',
      'text_fault', 'name_fault', 'is_no_number', 'is_no_whole_number', 'whole_number_fault', 'choice_fault', 'read_priority',
      'labels_fault', 'depends_on_fault', 'payload_fault', 'texts_fault', 'headers_fault', 'is_status', 'executor_fault',
      'submission_fault', 'submission_labels', 'submission_parents', 'submission_lane', 'submission_hash', 'refuse',
      'refuse_key', 'check_tasks', 'submit_tasks', 'store_submissions', 'submit', 'submit_many', 'allow_submit')
  LOOP
    EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', one.name);
    CONTINUE WHEN NOT one.is_entry;
    EXECUTE format('ALTER FUNCTION %s SET search_path = pg_catalog, %I, pg_temp', one.name, current_schema());
    FOREACH setting IN ARRAY ARRAY['DateStyle = ''ISO, MDY''', 'TimeZone = ''UTC''', 'extra_float_digits = 1', 'standard_conforming_strings = on',
      -- As in sessions of ours: plans are kept, and none reads a whole table.
      'plan_cache_mode = force_generic_plan', 'enable_seqscan = off', 'enable_hashjoin = off', 'enable_mergejoin = off', 'jit = off']
    LOOP
      EXECUTE format('ALTER FUNCTION %s SET %s', one.name, setting);
    END LOOP;
  END LOOP;
END $$;
