import { types } from 'node:util'

const REDACTED = '[redacted]'
const TRUNCATED = '[truncated]'
const MAX_DEPTH = 8
const MAX_ENTRIES = 100
const MAX_NODES = 2_000
const MAX_KEY_LENGTH = 256
const MAX_TEXT_LENGTH = 8_192
const MAX_TOTAL_LENGTH = 65_536

// Names are compared in lower case without punctuation: x-api-key, xApiKey and X_API_KEY are one name.
const SECRET_NAME_PART =
  /passw(?:or)?d|passphrase|secret|token|authorization|cookie|credential|signature|jwt|jwe|apikey|privatekey|signingkey|encryptionkey|otpcode|ocean(?:access|refresh|device)$|(?:verification|recovery|backup|reset|mfa)code|rawheaders|body$/
const SECRET_NAMES = new Set(['pass', 'pwd', 'otp', 'totp', 'pin', 'text', 'html'])
const NAME_OF_AN_ID = /(?:token|apikey|credential)ids?$/
// A language model's "tokens" are counted, and counts are what its log lines are for.
const NAME_OF_A_FIGURE = /(?:tokens|count|length|seconds|millis|bytes|limit|used|version)$/

// Order matters: whole header lines first, since their values hold what the later patterns would only half cover.
const SECRET_TEXTS: readonly (readonly [RegExp, string])[] = [
  [/-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]{0,40}PRIVATE KEY-----|$)/g, REDACTED],
  [/\b((?:proxy-)?authorization|(?:set-)?cookie)(\\?["']?\s{0,3}[:=]\s{0,3})[^\r\n]+/gi, `$1$2${REDACTED}`],
  [
    /((?:passw(?:or)?d|passphrase|pwd|secret|token(?!s\\?["']?\s{0,3}[:=]\s{0,3}\d)|credential|signature|api[-_]?key|private[-_]?key)[\w-]{0,32}\\?["']?\s{0,3}[:=]\s{0,3})(?:\\?"(?:[^"\\]|\\.)*"?|'[^']*'?|[^\s,;&"'(){}\]]+)/gi,
    `$1${REDACTED}`,
  ],
  // A cookie of ours without the name of its header.
  [/\b(ocean-(?:access|refresh|device)\\?["']?\s{0,3}[:=]\s{0,3}\\?["']?)[^\s;,"']+/gi, `$1${REDACTED}`],
  [/\b(bearer)\s+[^\s"',;]+/gi, `$1 ${REDACTED}`],
  [/\b(auth (?:plain|login|xoauth2))\s+[^\s"']+/gi, `$1 ${REDACTED}`],
  // Base64url of `{"` or `{ ` opens the header of a JWT (3 parts) and of a JWE (5 parts, the second may be empty). One look
  // ahead per run of letters, instead of one match per `ey`, keeps hostile texts linear.
  [/(?<![\w-])(?=[\w-]*(?<![A-Za-z0-9])ey[AJ][\w-]{8})[\w-]+\.[\w-]*\.[\w-]*(?:\.[\w-]*){0,2}/g, REDACTED],
  // The password of a URL; digits and a slash after the colon are a port.
  [/(:\/\/[^\s:@/?#]{0,256}:)(?!\d{1,5}[/?#])[^\s"'<>]{1,512}@/g, `$1${REDACTED}@`],
  [/\$(?:argon2(?:id|i|d)|2[abxy]|pbkdf2[\w-]{0,16})\$[^\s"')]+/g, REDACTED],
  // Also where it is glued to what stands before it.
  [/oc_(?:key|agent)_\w{16,}/g, REDACTED],
  // Keys of providers: Google's, Groq's, and those of the many that begin as OpenAI's.
  [/\b(?:AIza[\w-]{30,}|gsk_\w{20,}|sk-[\w-]{16,}|gh[a-z]_\w{20,}|[a-z]{2,8}_(?:key|agent)_\w{32,})/g, REDACTED],
]

interface Walk {
  readonly ancestors: Set<object>
  nodesLeft: number
  charactersLeft: number
}

/** Tells whether a field of this name holds a secret or the body of a mail, whatever its case and punctuation. */
export function isSecretName(name: string): boolean {
  const plain = name
    .slice(0, 128)
    .toLowerCase()
    .replace(/[^a-z0-9]/g, '')
  if (SECRET_NAMES.has(plain)) return true
  return SECRET_NAME_PART.test(plain) && !NAME_OF_AN_ID.test(plain)
}

/** Removes what looks like a secret from a text and cuts it to 8,192 characters. */
export function redactText(text: string): string {
  // Read twice as far as is kept, so that a secret across the cut is seen whole.
  let clean = text.length > 2 * MAX_TEXT_LENGTH ? text.slice(0, 2 * MAX_TEXT_LENGTH) : text
  for (const [pattern, replacement] of SECRET_TEXTS) clean = clean.replace(pattern, replacement)
  if (clean.length <= MAX_TEXT_LENGTH && text.length <= 2 * MAX_TEXT_LENGTH) return clean
  return clean.slice(0, MAX_TEXT_LENGTH) + TRUNCATED
}

/**
 * Copies any value into plain JSON without secrets, at most 8 levels deep and some 64,000 characters long; cycles, errors,
 * maps and throwing getters are fine, and it never throws.
 */
export function redact(value: unknown): unknown {
  return walkSafely(() => value, 0, { ancestors: new Set(), nodesLeft: MAX_NODES, charactersLeft: MAX_TOTAL_LENGTH })
}

function walkSafely(read: () => unknown, depth: number, walk: Walk): unknown {
  try {
    return walkValue(read(), depth, walk)
  } catch {
    return '[unreadable]'
  }
}

function walkValue(value: unknown, depth: number, walk: Walk): unknown {
  walk.nodesLeft -= 1
  if (walk.nodesLeft < 0 || walk.charactersLeft <= 0) return TRUNCATED
  switch (typeof value) {
    case 'string':
      return walkText(value, walk)
    case 'bigint':
      return String(value)
    case 'function':
    case 'symbol':
      return undefined
    case 'object':
      break
    default:
      return value
  }
  if (value === null) return null
  if (walk.ancestors.has(value)) return '[circular]'
  if (depth >= MAX_DEPTH) return TRUNCATED
  walk.ancestors.add(value)
  try {
    return walkObject(value, depth, walk)
  } finally {
    walk.ancestors.delete(value)
  }
}

function walkText(text: string, walk: Walk): string {
  const clean = redactText(text)
  walk.charactersLeft -= clean.length
  return clean
}

function walkObject(value: object, depth: number, walk: Walk): unknown {
  if (value instanceof Error || types.isNativeError(value)) return walkError(value, depth, walk)
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString()
  if (value instanceof URL || value instanceof URLSearchParams) return walkText(String(value), walk)
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return `[${value.byteLength} bytes]`
  if (Array.isArray(value)) return walkArray(value, depth, walk)
  if (value instanceof Set) return walkArray([...value], depth, walk)
  if (value instanceof Map || value instanceof Headers) {
    return walkEntries(
      [...value].map(([key, held]) => [String(key), () => held]),
      depth,
      walk,
    )
  }
  if ('toJSON' in value && typeof value.toJSON === 'function') {
    const json: unknown = value.toJSON()
    if (typeof json !== 'object' || json === null) return walkValue(json, depth + 1, walk)
    return walkFields(json, depth, walk)
  }
  return walkFields(value, depth, walk)
}

// Only these: drivers hang whole commands, queries and answers, with their secrets, on their errors.
const ERROR_FIELDS = ['name', 'message', 'stack', 'code', 'constraint', 'cause', 'errors'] as const

function walkError(error: object, depth: number, walk: Walk): unknown {
  const fields = ERROR_FIELDS.filter((name) => name in error)
  return Object.fromEntries(
    fields.map((name) => [name, walkSafely(() => Reflect.get(error, name), depth + 1, walk)] as const),
  )
}

function walkArray(items: readonly unknown[], depth: number, walk: Walk): unknown {
  // A header as a [name, value] pair.
  if (items.length === 2 && typeof items[0] === 'string' && typeof items[1] === 'string' && isSecretName(items[0])) {
    return [items[0].slice(0, 128), REDACTED]
  }
  const kept = items.slice(0, MAX_ENTRIES).map((item) => walkSafely(() => item, depth + 1, walk) ?? null)
  return items.length > MAX_ENTRIES ? [...kept, `[${items.length - MAX_ENTRIES} more]`] : kept
}

function walkFields(value: object, depth: number, walk: Walk): unknown {
  if (Array.isArray(value)) return walkArray(value, depth, walk)
  // A header as { name, value }: the value is as secret as the name says.
  const label = [Reflect.get(value, 'name'), Reflect.get(value, 'key')].find((held) => typeof held === 'string')
  const valueIsSecret = label !== undefined && isSecretName(label)
  const entries = Object.keys(value).map((key): [string, () => unknown] => [
    key,
    () => (valueIsSecret && key === 'value' ? REDACTED : Reflect.get(value, key)),
  ])
  return walkEntries(entries, depth, walk)
}

function walkEntries(entries: readonly [string, () => unknown][], depth: number, walk: Walk): unknown {
  const kept = entries.slice(0, MAX_ENTRIES).map(([key, read]): [string, unknown] => {
    walk.charactersLeft -= Math.min(key.length, MAX_KEY_LENGTH)
    return [cleanKey(key), isSecretName(key) ? walkSecret(key, read) : walkSafely(read, depth + 1, walk)]
  })
  if (entries.length > MAX_ENTRIES) kept.push(['…', `[${entries.length - MAX_ENTRIES} more]`])
  // fromEntries defines its properties, so that a key named __proto__ is only a key.
  return Object.fromEntries(kept)
}

// A short key cannot hold a secret worth the patterns' time.
function cleanKey(key: string): string {
  return key.length > 20 ? redactText(key.slice(0, MAX_KEY_LENGTH)) : key
}

// Whether there is a secret, how long it may be and when it ends may be told.
function walkSecret(key: string, read: () => unknown): unknown {
  try {
    const value = read()
    if (value === null || value === undefined || typeof value === 'boolean') return value
    if (typeof value === 'number' && NAME_OF_A_FIGURE.test(key.toLowerCase())) return value
    if (value instanceof Date) return value.toISOString()
    return REDACTED
  } catch {
    return REDACTED
  }
}
