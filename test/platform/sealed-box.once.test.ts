import { CompactEncrypt, compactDecrypt } from 'jose'
import { expect, test } from 'vitest'
import { createSealedBox, MAX_TOKEN_LENGTH } from '../../src/platform/crypto/sealed-box.ts'

const secret = Buffer.alloc(32, 'a')
const box = createSealedBox(secret)

test('what was sealed comes out again, and shows nothing of itself', async () => {
  const value = { sid: 'a-canary', n: 7, nested: { list: [null, 'ü'] } }
  const sealed = await box.seal(value)
  expect(await box.open(sealed)).toEqual(value)
  expect(await createSealedBox(Buffer.alloc(32, 'a')).open(sealed)).toEqual(value)
  expect(Buffer.from(sealed, 'base64url').toString('latin1') + sealed).not.toContain('canary')
  expect(await box.seal(value)).not.toBe(sealed)
})

test('nothing else can be opened: not of another secret, nor changed in any character', async () => {
  const sealed = await box.seal({ n: 1 })
  expect(await createSealedBox(Buffer.alloc(32, 'b')).open(sealed)).toBe(null)
  for (const garbage of ['', '.', '....', 'garbage', `${sealed}.`, ` ${sealed}`, sealed.slice(0, -1)]) {
    expect([garbage, await box.open(garbage)]).toEqual([garbage, null])
  }
  for (let place = 0; place < sealed.length; place += 1) {
    if (sealed[place] === '.') continue
    // The last character of a part may carry bits that are not used: then another spelling is the same bytes.
    if (sealed[place + 1] === '.' || place === sealed.length - 1) continue
    const changed = `${sealed.slice(0, place)}${sealed[place] === 'A' ? 'B' : 'A'}${sealed.slice(place + 1)}`
    expect([place, await box.open(changed)]).toEqual([place, null])
  }
})

test('a box takes no other way of encryption, even under its own secret', async () => {
  const text = new TextEncoder().encode('{"n":1}')
  const wrapped = new CompactEncrypt(text).setProtectedHeader({ alg: 'A256KW', enc: 'A256GCM' }).encrypt(secret)
  expect(await box.open(await wrapped)).toBe(null)
  const composite = new CompactEncrypt(text).setProtectedHeader({ alg: 'dir', enc: 'A128CBC-HS256' }).encrypt(secret)
  expect(await box.open(await composite)).toBe(null)
})

test('CVE-2024-28176: nothing is inflated, neither a few kilobytes that become megabytes nor a word', async () => {
  const compressed = (text: string) =>
    new CompactEncrypt(new TextEncoder().encode(text))
      .setProtectedHeader({ alg: 'dir', enc: 'A256GCM', zip: 'DEF' })
      .encrypt(secret)
  const [word, bomb] = [await compressed('{"n":1}'), await compressed(JSON.stringify({ pad: ' '.repeat(4_000_000) }))]
  // They are what they claim to be, and short enough to be tried.
  expect((await compactDecrypt(word, secret)).plaintext).toHaveLength(7)
  expect(bomb.length).toBeLessThan(MAX_TOKEN_LENGTH)
  await expect(compactDecrypt(bomb, secret, { maxDecompressedLength: 5_000_000 })).resolves.toBeDefined()
  for (const sealed of [word, bomb]) expect(await box.open(sealed)).toBe(null)
})

test('what is no JSON is nothing, and over 8 KiB nothing is tried', async () => {
  const text = new TextEncoder().encode('not JSON')
  const sealed = new CompactEncrypt(text).setProtectedHeader({ alg: 'dir', enc: 'A256GCM' }).encrypt(secret)
  expect(await box.open(await sealed)).toBe(null)
  expect(await box.open(await box.seal({ pad: 'x'.repeat(4_000) }))).toEqual({ pad: 'x'.repeat(4_000) })
  expect(await box.open(await box.seal({ pad: 'x'.repeat(8_000) }))).toBe(null)
})
