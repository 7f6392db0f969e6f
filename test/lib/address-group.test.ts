import { describe, expect, test } from 'vitest'
import { addressGroup, canonicalAddress } from '../../src/lib/address-group.ts'

test('better-auth CVE-2026-45364: an IPv6 address is compared as a number, so no spelling or host part is a caller of its own', () => {
  const spellings = [
    '2001:db8:1:2::1',
    '2001:DB8:1:2::1',
    '2001:0db8:0001:0002:0000:0000:0000:0001',
    '2001:db8:1:2:0:0:0.0.0.1',
    '2001:db8:1:2:ffff:ffff:ffff:ffff',
    '2001:db8:1:2::1%eth0',
  ]
  expect(new Set(spellings.map(addressGroup))).toEqual(new Set(['2001:db8:1:2::/64']))
  expect(addressGroup('2001:db8:1:3::1')).not.toBe(addressGroup('2001:db8:1:2::1'))
})

test('an IPv4 address is a caller by itself, also mapped into IPv6', () => {
  for (const same of ['1.2.3.4', '::ffff:1.2.3.4', '::FFFF:0102:0304', '0:0:0:0:0:ffff:1.2.3.4']) {
    expect([addressGroup(same), canonicalAddress(same)]).toEqual(['1.2.3.4', '1.2.3.4'])
  }
  expect(addressGroup('1.2.3.5')).not.toBe(addressGroup('1.2.3.4'))
})

describe('what is no address', () => {
  const garbage = ['', ' ', 'unknown', '1.2.3', '1', '0x1.2.3.4', '01.2.3.4', '1.2.3.256', '1.2.3.4:80', '[::1]', '::g']
  test.each(garbage)('%j is one caller with all the others', (text) => {
    expect([addressGroup(text), canonicalAddress(text)]).toEqual([addressGroup(null), null])
  })
})

test('an address has one spelling', () => {
  expect(canonicalAddress('2001:DB8:0:0:0::1')).toBe('2001:db8::1')
  expect(canonicalAddress('fe80::1%eth0')).toBe('fe80::1')
  expect(canonicalAddress('::')).toBe('::')
})
