import type { IncomingMessage } from 'node:http'
import { describe, expect, test } from 'vitest'
import { systemClock } from '../../src/platform/clock.ts'
import { requestFacts, trustRule } from '../../src/transport/request-facts.ts'

/** The address of a request from this peer, when the proxies are those of 10.0.0.0/8 and 2001:db8:ff::/48. */
function addressOf(peer: string | undefined, forwardedFor?: string, proxies = ['10.0.0.0/8', '2001:db8:ff::/48']) {
  const headers = forwardedFor === undefined ? {} : { 'x-forwarded-for': forwardedFor }
  const request = { headers, socket: { remoteAddress: peer } } as unknown as IncomingMessage
  return requestFacts(request, systemClock, trustRule(proxies)).address
}

test('who comes without a proxy is who they are, whatever they forward', () => {
  expect(addressOf('192.0.2.1')).toBe('192.0.2.1')
  expect(addressOf('192.0.2.1', '198.51.100.7')).toBe('192.0.2.1')
  expect(addressOf('192.0.2.1', '198.51.100.7, 10.0.0.1')).toBe('192.0.2.1')
  expect(addressOf('10.0.0.1', '198.51.100.7', [])).toBe('10.0.0.1')
})

test('of the chain that proxies forward, the first address that is no proxy counts', () => {
  expect(addressOf('10.0.0.1', '198.51.100.7')).toBe('198.51.100.7')
  expect(addressOf('10.0.0.1', '203.0.113.9, 198.51.100.7, 10.0.0.2')).toBe('198.51.100.7')
  expect(addressOf('10.0.0.1', '  198.51.100.7  ')).toBe('198.51.100.7')
  expect(addressOf('10.0.0.1', '10.0.0.3, 10.0.0.2')).toBe('10.0.0.3')
  expect(addressOf('10.0.0.1', '')).toBe('10.0.0.1')
  expect(addressOf('2001:db8:ff::1', '2001:DB8:0::7')).toBe('2001:db8::7')
})

describe('where the chain holds what is no address, the proxy that said so counts', () => {
  test.each([
    'unknown',
    '198.51.100.7:4711',
    '[2001:db8::7]',
    '1',
    '0x1',
    'evil',
    '10.1',
    '167772161',
    '012.0.0.1',
    '_hidden',
    ',',
  ])('%s', (text) => {
    expect(addressOf('10.0.0.1', text)).toBe('10.0.0.1')
    expect(addressOf('10.0.0.1', `198.51.100.7, ${text}, 10.0.0.2`)).toBe(text === ',' ? '198.51.100.7' : '10.0.0.2')
  })
})

test('an address is shown in one spelling, and IPv4 as itself', () => {
  expect(addressOf('::ffff:192.0.2.1')).toBe('192.0.2.1')
  expect(addressOf('::ffff:10.0.0.1', '::FFFF:198.51.100.7')).toBe('198.51.100.7')
  expect(addressOf('2001:DB8::0:1')).toBe('2001:db8::1')
  expect(addressOf('fe80::1%eth0')).toBe('fe80::1')
})

test('a peer that is gone has no address, whatever it forwards', () => {
  expect(addressOf(undefined, '198.51.100.7')).toBeNull()
})

test('a rule is not made of what would trust everybody', () => {
  for (const wrong of ['0.0.0.0/0', '::/0', 'proxy.example.org', '10.0.0.0/33']) {
    expect(() => trustRule([wrong])).toThrow(TypeError)
  }
})
