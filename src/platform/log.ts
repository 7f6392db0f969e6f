import pino from 'pino'
import { redact, redactText } from '../lib/redact.ts'

const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const
// A reader of logs takes the last of two equal keys: a field of these names could forge the line.
const OWN_KEYS = new Set(['level', 'time', 'msg'])
// A reader of stdout that stalls costs lines, not memory.
const MAX_BUFFERED_BYTES = 16 * 1024 * 1024

/** The least severe level that is written; `silent` writes nothing. */
export type LogLevel = (typeof LEVELS)[number] | 'silent'

/** Writes one line: fields (or an error, which becomes the field `err`) and a fixed message, or the message alone. */
export interface WriteLine {
  (fields: object, message?: string): void
  (message: string): void
}

/** A structured log. It removes secrets and bodies of mails from all it is given, and no call ever throws. */
export interface Log {
  readonly trace: WriteLine
  readonly debug: WriteLine
  readonly info: WriteLine
  readonly warn: WriteLine
  readonly error: WriteLine
  readonly fatal: WriteLine
  /** A log whose lines all carry these fields too; a line's own fields win. */
  child(fields: object): Log
}

/** Opens the log: JSON lines on stdout, or on `destination`. */
export function createLog(options: { level: LogLevel; destination?: pino.DestinationStream }): Log {
  const settings: pino.LoggerOptions = {
    level: options.level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    // Errors arrive as plain fields; the serializer that comes with pino would rename them.
    serializers: { err: (error: unknown) => error },
  }
  return bind(pino(settings, options.destination ?? openStdout()), {})
}

function openStdout(): pino.DestinationStream {
  const stdout = pino.destination({ dest: 1, sync: false, maxLength: MAX_BUFFERED_BYTES })
  // A closed or full stdout must not end the server.
  stdout.on('error', () => {})
  return stdout
}

function bind(sink: pino.Logger, bound: object): Log {
  const lineWriter =
    (level: (typeof LEVELS)[number]): WriteLine =>
    (first: object | string, message?: string) =>
      write(sink, level, bound, first, message)
  return {
    trace: lineWriter('trace'),
    debug: lineWriter('debug'),
    info: lineWriter('info'),
    warn: lineWriter('warn'),
    error: lineWriter('error'),
    fatal: lineWriter('fatal'),
    child: (fields) => bind(sink, { ...bound, ...cleanFields(fields) }),
  }
}

function write(
  sink: pino.Logger,
  level: (typeof LEVELS)[number],
  bound: object,
  first: object | string,
  message: string | undefined,
): void {
  try {
    if (!sink.isLevelEnabled(level)) return
    const fields = typeof first === 'string' ? {} : cleanFields(first)
    const text = typeof first === 'string' ? first : message
    sink[level]({ ...bound, ...fields }, text === undefined ? undefined : redactText(String(text)))
  } catch {
    // A line that cannot be written is lost: what was being logged is more important than the log.
  }
}

function cleanFields(fields: unknown): object {
  const clean = redact(isError(fields) ? { err: fields } : fields)
  if (typeof clean !== 'object' || clean === null || Array.isArray(clean)) return { value: clean }
  const entries = Object.entries(clean)
  return Object.fromEntries(entries.map(([key, value]) => [OWN_KEYS.has(key) ? `${key}_` : key, value]))
}

function isError(value: unknown): boolean {
  try {
    return value instanceof Error
  } catch {
    // A proxy may refuse to be asked.
    return false
  }
}
