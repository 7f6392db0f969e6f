import {
  constants,
  createHmac,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
} from 'node:crypto'
import { CompactEncrypt, type JWK } from 'jose'
import { createSealedBox } from '../../src/platform/crypto/sealed-box.ts'
import { testSecrets } from '../kit/lane.ts'
import type { Person } from '../kit/people.ts'
import type { TestServer } from '../kit/server.ts'
import type { JwtCase } from './jwt-case.ts'

type Claims = Record<string, unknown>

/** Makes the token of a case. */
export type Forge = (from: JwtCase) => string

const encoded = (value: unknown) => base64url(Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)))
const base64url = (bytes: Buffer) => bytes.toString('base64url')
const decoded = (token: string, part: number): Claims =>
  JSON.parse(Buffer.from(token.split('.')[part] ?? '', 'base64url').toString())

/** A forger who has everything: genuine tokens of two people, the server's public keys and even its private ones. */
export async function openForge(server: TestServer, alice: Person, stranger: Person): Promise<Forge> {
  const keys = await keysOf(server, alice)
  const words = await wordsOf(server, alice, stranger, keys)
  const [header, claims] = [decoded(alice.tokens.accessToken, 0), decoded(alice.tokens.accessToken, 1)]
  return (from) => {
    const now = Math.floor(server.app.platform.clock.now().getTime() / 1_000)
    const fill = (value: unknown) => filled(value, words, now)
    const made = (pad: number) => {
      const padding = from.fillTo === undefined ? {} : { pad: 'x'.repeat(pad) }
      const h = part(from.headerText, changed(header, from.header, from.without?.header), fill)
      const p = part(from.payloadText, { ...changed(claims, from.claims, from.without?.claims), ...padding }, fill)
      const s = base64url(signed(from, `${h}.${p}`, keys, fill, String(header.alg)))
      return from.token === undefined ? `${h}.${p}.${s}` : String(filled(from.token, { ...words, h, p, s }, now))
    }
    return from.fillTo === undefined ? made(0) : filledUp(made, from.fillTo)
  }
}

function part(text: string | undefined, members: Claims, fill: (value: unknown) => unknown): string {
  return encoded(fill(text ?? members))
}

function changed(members: Claims, changes: Claims = {}, without: readonly string[] = []): Claims {
  return Object.fromEntries(Object.entries({ ...members, ...changes }).filter(([name]) => !without.includes(name)))
}

/** The longest token up to a positive length, or the shortest from a negative one on. */
function filledUp(made: (pad: number) => string, length: number): string {
  const limit = Math.abs(length)
  let pad = Math.floor((limit - made(0).length) * 0.75) - 8
  while (made(pad + 1).length <= limit) pad += 1
  if (length > 0) return made(pad)
  while (made(pad).length < limit) pad += 1
  return made(pad)
}

interface Keys {
  readonly ours: KeyObject
  readonly before: KeyObject
  readonly publicKey: KeyObject
  readonly kids: readonly string[]
}

/** The server's keys out of its database, the one that signs first. */
async function keysOf(server: TestServer, alice: Person): Promise<Keys> {
  const box = createSealedBox(Buffer.from(testSecrets.SIGNING_KEY_SECRET, 'base64'))
  const { kid } = decoded(alice.tokens.accessToken, 0)
  const rows = await server.app.platform.database.unscoped.selectFrom('signing_key').selectAll().execute()
  const sorted = rows.toSorted((a, b) => Number(b.kid === kid) - Number(a.kid === kid))
  const privateKeys = await Promise.all(
    sorted.map(async (row) =>
      createPrivateKey({ key: (await box.open(row.sealed_private_jwk)) as JWK & Claims, format: 'jwk' }),
    ),
  )
  const [ours, before = ours] = privateKeys
  if (ours === undefined || before === undefined) throw new Error('The server has no key')
  return { ours, before, publicKey: createPublicKey(ours), kids: sorted.map((row) => row.kid) }
}

const foreign: Readonly<Record<string, KeyObject>> = {
  'foreign RSA': generateKeyPairSync('rsa', { modulusLength: 2_048 }).privateKey,
  'foreign EC': generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey,
  'foreign Ed25519': generateKeyPairSync('ed25519').privateKey,
}

function signed(
  from: JwtCase,
  input: string,
  keys: Keys,
  fill: (value: unknown) => unknown,
  usual: string,
): Buffer<ArrayBufferLike> {
  const algorithm = from.signAs ?? usual
  const bits = /\d+$/.exec(algorithm)?.[0] ?? ''
  const bytes = Buffer.from(input)
  if (from.secret !== undefined)
    return createHmac(`sha${bits}`, secretOf(String(fill(from.secret))))
      .update(bytes)
      .digest()
  const key = from.key === 'ours before' ? keys.before : (foreign[from.key ?? ''] ?? keys.ours)
  if (algorithm.startsWith('RS')) return sign(`sha${bits}`, bytes, key)
  const { RSA_PKCS1_PSS_PADDING: padding, RSA_PSS_SALTLEN_DIGEST: saltLength } = constants
  if (algorithm.startsWith('PS')) return sign(`sha${bits}`, bytes, { key, padding, saltLength })
  if (algorithm === 'EdDSA') return sign(null, bytes, key)
  if (algorithm === 'ES256 in DER') return sign('sha256', bytes, key)
  if (algorithm === 'ES256') return sign('sha256', bytes, { key, dsaEncoding: 'ieee-p1363' })
  if (algorithm === 'ES256 of zeros') return Buffer.alloc(64)
  throw new Error(`${from.name} wants to be signed as ${algorithm}`)
}

const secretOf = (text: string) =>
  text.startsWith('base64:') ? Buffer.from(text.slice('base64:'.length), 'base64') : Buffer.from(text)

type Words = Readonly<Record<string, unknown>>

async function wordsOf(server: TestServer, alice: Person, stranger: Person, keys: Keys): Promise<Words> {
  const { issuer, audience } = server.app.platform.settings.accessTokens
  const jwks = await server.app.platform.signingKeys.jwks()
  const jwk = jwks.keys.find(({ kid }) => kid === keys.kids[0])
  const foreignKey = createPublicKey(foreign['foreign RSA'] ?? keys.ours).export({ format: 'jwk' })
  const [own, theirs] = [alice, stranger].map(({ tokens }) => decoded(tokens.accessToken, 1))
  const pem = keys.publicKey.export({ type: 'spki', format: 'pem' }).toString()
  return {
    token: alice.tokens.accessToken,
    refreshToken: alice.tokens.refreshToken,
    bomb: await bombFor(jwk),
    url: server.url,
    iss: issuer,
    aud: audience[0],
    kid: keys.kids[0],
    kidBefore: keys.kids[1],
    'my.sub': own?.sub,
    'my.org': own?.org,
    'my.sid': own?.sid,
    'their.sub': theirs?.sub,
    'their.org': theirs?.org,
    'their.sid': theirs?.sid,
    pem,
    pemLine: pem.trim(),
    pkcs1: keys.publicKey.asymmetricKeyType === 'rsa' ? keys.publicKey.export({ type: 'pkcs1', format: 'pem' }) : '',
    der: `base64:${keys.publicKey.export({ type: 'spki', format: 'der' }).toString('base64')}`,
    modulus: `base64:${Buffer.from(jwk?.n ?? '', 'base64url').toString('base64')}`,
    n: jwk?.n,
    jwkText: JSON.stringify(jwk),
    jwksText: JSON.stringify(jwks),
    foreignJwk: foreignKey,
  }
}

/** A JWE to the server's public key whose few kilobytes inflate to four megabytes. */
async function bombFor(jwk: JWK | undefined): Promise<string> {
  if (jwk?.kty !== 'RSA') return ''
  const { alg: _alg, use: _use, ...key } = jwk
  return new CompactEncrypt(Buffer.alloc(4_000_000))
    .setProtectedHeader({ alg: 'RSA-OAEP', enc: 'A256GCM', zip: 'DEF', typ: 'at+jwt' })
    .encrypt({ ...key, alg: 'RSA-OAEP' })
}

const filters: Readonly<Record<string, (text: string) => string>> = {
  padded: (text) => `${text}${'='.repeat(4 - (text.length % 4))}`,
  cut: (text) => text.slice(0, -4),
  half: (text) => text.slice(0, text.length / 2),
  flipped: (text) => `${text.startsWith('A') ? 'B' : 'A'}${text.slice(1)}`,
  standard: (text) => text.replaceAll('-', '+').replaceAll('_', '/'),
  idle: (text) => `${text.slice(0, -1)}${nextCharacter(text.at(-1) ?? '')}`,
  broken: (text) => `${text.slice(0, 20)}\n${text.slice(20)}`,
  spaced: (text) => `${text.slice(0, 20)} ${text.slice(20)}`,
  zeroed: (text) => `${text.slice(0, 20)}\0${text.slice(20)}`,
  upper: (text) => text.toUpperCase(),
  wide: (text) => text.replace(/[a-z]/, (letter) => String.fromCodePoint(letter.charCodeAt(0) + 0xfee0)),
  kelvin: (text) => text.replace(/[kK]|$/, '\u212a'),
  percent: (text) => text.replace(/^e/, '%65'),
  json: (text) => JSON.stringify(text),
}

function nextCharacter(last: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  return alphabet[alphabet.indexOf(last) + 1] ?? ''
}

/** Everything inside a value that stands for something else replaced by that. */
function filled(value: unknown, words: Words, now: number): unknown {
  if (Array.isArray(value)) return value.map((item) => filled(item, words, now))
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([name, held]) => [name, filled(held, words, now)]))
  }
  if (typeof value !== 'string') return value
  const whole = /^\$\{([^|}]+)\}$/.exec(value)?.[1]
  if (whole !== undefined) return wordOf(whole, words, now)
  return value.replace(/\$\{([^|}]+)(?:\|([a-z]+))?\}/g, (_all, name: string, filter: string | undefined) => {
    const word = String(wordOf(name, words, now))
    const change = filter === undefined ? (text: string) => text : filters[filter]
    if (change === undefined) throw new Error(`There is no filter ${filter}`)
    return change(word)
  })
}

function wordOf(name: string, words: Words, now: number): unknown {
  const offset = /^now([+-]\d+)?$/.exec(name)
  if (offset !== null) return now + Number(offset[1] ?? 0)
  if (words[name] === undefined) throw new Error(`There is no ${name}`)
  return words[name]
}
