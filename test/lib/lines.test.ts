import { expect, test } from 'vitest'
import { type Line, linesOf } from '../../src/lib/lines.ts'

async function read(chunks: readonly (string | Uint8Array)[], maxBytes = 100): Promise<Line[]> {
  const bytes = chunks.map((chunk) => (typeof chunk === 'string' ? Buffer.from(chunk) : chunk))
  return Array.fromAsync(linesOf(streamOf(bytes), maxBytes))
}

async function* streamOf(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks
}

const texts = (lines: readonly Line[]) => lines.map(({ text }) => text)

test('lines are numbered from 1, and the last needs no end', async () => {
  const lines = [
    { number: 1, text: 'a' },
    { number: 2, text: '' },
    { number: 3, text: 'c' },
  ]
  expect(await read(['a\n\nc'])).toEqual(lines)
  expect(await read(['a\n\nc\n'])).toEqual(lines)
  expect(await read([])).toEqual([])
})

test('the same lines come of the same bytes, wherever these are cut', async () => {
  const bytes = Buffer.from('{"a":1}\nZoë 🐎\n\nend')
  const whole = await read([bytes])
  expect(texts(whole)).toEqual(['{"a":1}', 'Zoë 🐎', '', 'end'])
  for (let cut = 0; cut <= bytes.length; cut += 1) {
    expect(await read([bytes.subarray(0, cut), bytes.subarray(cut)])).toEqual(whole)
  }
  expect(await read(Array.from(bytes, (byte) => Buffer.of(byte)))).toEqual(whole)
})

test('a line that is too long or no UTF-8 has no text, and the next is read again', async () => {
  expect(texts(await read(['1234\n12345\n', '123', '45\n1'], 4))).toEqual(['1234', null, null, '1'])
  expect(texts(await read(['12345'], 4))).toEqual([null])
  expect(texts(await read(['éé\n', 'ééé\n'], 4))).toEqual(['éé', null])
  expect(texts(await read([Buffer.from('c328', 'hex'), '\nok']))).toEqual([null, 'ok'])
})
