import { expect, test } from 'vitest'
import {
  chained,
  genesis,
  headSigner,
  isSigned,
  noOrganization,
  signHead,
} from '../../../src/modules/audit/chain.service.ts'

const start = { chain: noOrganization, seq: 0, hash: genesis }
const event = { id: noOrganization, action: 'page.create', at: '2026-01-31T12:00:00.000000Z' }

test('a hash hangs on the one before, the place, the chain and every column', () => {
  const one = chained(start, event)
  expect(one).toEqual({ chain: noOrganization, seq: 1, hash: expect.stringMatching(/^[0-9a-f]{64}$/) })
  expect(chained(start, { ...event })).toEqual(one)
  const others = [
    chained({ ...start, hash: '1'.repeat(64) }, event),
    chained({ ...start, seq: 1 }, event),
    chained({ ...start, chain: '00000000-0000-0000-0000-000000000001' }, event),
    ...Object.keys(event).map((column) => chained(start, { ...event, [column]: 'x' })),
    ...Object.keys(event).map((column) => chained(start, { ...event, [column]: undefined })),
    chained(start, { ...event, target: 'page_x' }),
  ]
  expect(new Set([one, ...others].map(({ hash }) => hash)).size).toBe(others.length + 1)
})

test('a head is signed as it stands, by the secret', () => {
  const signer = headSigner(Buffer.alloc(32, 's'))
  const head = signHead(signer, chained(start, event), new Date('2026-01-31T12:00:00.000Z'))
  expect(isSigned(signer, head)).toBe(true)
  expect(isSigned(headSigner(Buffer.alloc(32, 'r')), head)).toBe(false)
  const forged = [{ seq: 2 }, { hash: genesis }, { signedAt: new Date() }, { chain: event.id.replace('0', '1') }]
  for (const change of forged) expect(isSigned(signer, { ...head, ...change }), JSON.stringify(change)).toBe(false)
})
