import { GraphQLError } from 'graphql'
import { z } from 'zod'
import { builder } from './builder.ts'

builder.scalarType('DateTime', {
  description: 'A moment in UTC, RFC 3339: `2026-01-31T12:00:00.000Z`.',
  specifiedByURL: 'https://scalars.graphql.org/andimarek/date-time',
  serialize: (value) => value.toISOString() as unknown as Date,
  parseValue: (value) => new Date(parsed(z.iso.datetime({ offset: true }), value, 'DateTime')),
})

builder.scalarType('Cursor', {
  description: 'An opaque place in a stream of live events. Keep it, send it back as `after`, and never look inside.',
  serialize: (value) => value,
  parseValue: (value) => parsed(z.string().max(512), value, 'Cursor'),
})

builder.scalarType('URL', {
  description: 'An absolute http or https address, RFC 3986.',
  serialize: (value) => value,
  parseValue: (value) => parsed(z.url({ protocol: /^https?$/ }).max(2048), value, 'URL'),
})

builder.scalarType('JSON', {
  description: 'Any JSON value. For metadata and settings only: nothing is found by what stands in one.',
  serialize: (value) => value,
  parseValue: (value) => value,
})

builder.scalarType('BigInt', {
  description: 'A whole number of any size as text, since a number of JSON is exact only so far: `"12500000"`.',
  serialize: (value) => String(value) as unknown as bigint,
  parseValue: (value) => BigInt(parsed(wholeNumber, value, 'BigInt')),
})

builder.scalarType('Base64', {
  description: 'Bytes in the standard base64 of RFC 4648, section 4, with padding.',
  specifiedByURL: 'https://www.rfc-editor.org/rfc/rfc4648#section-4',
  serialize: (value) => value,
  parseValue: (value) => parsed(z.string(), value, 'Base64'),
})

builder.scalarType('EmailAddress', {
  description: 'An e-mail address as the HTML standard accepts it, 254 characters at most.',
  serialize: (value) => value,
  parseValue: (value) => parsed(z.string(), value, 'EmailAddress'),
})

/** As text, or as a number that is exact. */
const wholeNumber = z.union([z.string().regex(/^-?\d{1,38}$/), z.int()])

function parsed<Value>(schema: z.ZodType<Value>, value: unknown, scalar: string): Value {
  const result = schema.safeParse(value)
  if (!result.success) throw new GraphQLError(`Not a valid ${scalar}.`, { extensions: { code: 'BAD_REQUEST' } })
  return result.data
}
