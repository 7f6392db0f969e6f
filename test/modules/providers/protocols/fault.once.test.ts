import { APICallError, InvalidResponseDataError, JSONParseError } from '@ai-sdk/provider'
import { describe, expect, test } from 'vitest'
import { isOutage, isPassing, modelFailure } from '../../../../src/modules/providers/protocols/fault.service.ts'
import { ModelFailed, modelFailureCodes } from '../../../../src/platform/models.ts'

const place = { providerId: 'openai', hasBegun: false, now: new Date('2026-11-26T20:00:00Z') }
const begun = { ...place, hasBegun: true }
const answered = (
  statusCode: number | undefined,
  message = 'no',
  headers: Record<string, string> = {},
  cause?: unknown,
) =>
  new APICallError({
    message,
    url: 'https://api.example.org/v1?key=a-secret',
    requestBodyValues: { secret: 'a prompt' },
    responseBody: '{"echo":"a prompt"}',
    responseHeaders: headers,
    ...(statusCode === undefined ? {} : { statusCode }),
    cause,
  })
const broken = (code: string) => Object.assign(new Error('no'), { code })

describe('a status has a family', () => {
  test.each([
    [400, 'MODEL_REFUSED_REQUEST', false, false],
    [401, 'MODEL_KEY_REFUSED', false, false],
    [402, 'MODEL_KEY_REFUSED', false, false],
    [403, 'MODEL_KEY_REFUSED', false, false],
    [404, 'MODEL_REFUSED_REQUEST', false, false],
    [408, 'MODEL_TIMED_OUT', true, true],
    [409, 'MODEL_OVERLOADED', true, true],
    [413, 'PROMPT_TOO_LONG', false, false],
    [422, 'MODEL_REFUSED_REQUEST', false, false],
    [429, 'MODEL_RATE_LIMITED', true, false],
    [500, 'MODEL_FAILED', true, true],
    [502, 'MODEL_FAILED', true, true],
    [503, 'MODEL_OVERLOADED', true, true],
    [504, 'MODEL_TIMED_OUT', true, true],
    [529, 'MODEL_OVERLOADED', true, true],
    [302, 'MODEL_SAID_NONSENSE', false, true],
  ] as const)('%i is %s', (status, code, passes, isAway) => {
    const failure = modelFailure(answered(status), place)
    expect([failure.code, isPassing(failure), isOutage(failure)]).toEqual([code, passes, isAway])
  })

  test('whether anything of the answer has come or not', () => {
    expect(modelFailure(answered(529), begun).code).toBe('MODEL_OVERLOADED')
  })

  test('and what it says of coming back is heard, as seconds and as a date', () => {
    const seconds = (value: string) =>
      modelFailure(answered(429, 'no', { 'retry-after': value }), place).retryAfterSeconds
    expect([seconds('7'), seconds('Thu, 26 Nov 2026 20:00:05 GMT'), seconds('soon')]).toEqual([7, 5, null])
  })
})

test.each([
  'prompt is too long: 250000 tokens > 200000 maximum',
  "This model's maximum context length is 128000 tokens.",
  'The input token count exceeds the maximum number of tokens allowed',
  'Please reduce the length: context_length_exceeded',
])('a prompt that is too long is called so: %s', (message) => {
  expect(modelFailure(answered(400, message), place).code).toBe('PROMPT_TOO_LONG')
  expect(modelFailure(answered(500, message), place).code).toBe('MODEL_FAILED')
})

describe('in the middle of a stream', () => {
  test.each([
    [{ type: 'overloaded_error', message: 'Overloaded', statusCode: 529 }, 'MODEL_OVERLOADED'],
    [{ message: 'x', type: 'server_error', code: null }, 'MODEL_FAILED'],
    [{ message: 'x', type: 'tokens', code: 'rate_limit_exceeded' }, 'MODEL_RATE_LIMITED'],
    [{ message: 'x', code: 'context_length_exceeded' }, 'PROMPT_TOO_LONG'],
    [{ message: 'x', code: 503, status: 'UNAVAILABLE' }, 'MODEL_OVERLOADED'],
    [{ message: 'x', status: 'RESOURCE_EXHAUSTED' }, 'MODEL_RATE_LIMITED'],
    [{ message: 'x', type: 'authentication_error' }, 'MODEL_KEY_REFUSED'],
    [{ message: 'x' }, 'MODEL_FAILED'],
    ['model runner has unexpectedly stopped', 'MODEL_FAILED'],
  ])('%j keeps its family', (error, code) => {
    expect(modelFailure(error, begun).code).toBe(code)
    expect(modelFailure(error, place).code).toBe(code)
  })

  test.each([
    new TypeError('terminated'),
    new JSONParseError({ text: '{"a', cause: new Error('x') }),
    answered(200, 'Failed to process successful response', {}, new TypeError('terminated')),
    new InvalidResponseDataError({ data: undefined }),
    broken('ECONNRESET'),
    new ModelFailed('MODEL_SAID_NONSENSE', 'x'),
    undefined,
  ])('whatever else breaks is a cut (%s)', (error) => {
    expect(modelFailure(error, begun).code).toBe('MODEL_CUT')
  })
})

describe('before the answer', () => {
  test.each([
    [
      'a refused connection',
      answered(undefined, 'Cannot connect to API', {}, broken('ECONNREFUSED')),
      'MODEL_UNREACHABLE',
    ],
    ['a name that is none', broken('ENOTFOUND'), 'MODEL_UNREACHABLE'],
    [
      'a certificate that is none',
      answered(undefined, 'x', {}, broken('DEPTH_ZERO_SELF_SIGNED_CERT')),
      'MODEL_UNREACHABLE',
    ],
    ['a stream that ends at once', new InvalidResponseDataError({ data: undefined }), 'MODEL_CUT'],
    ['a bare cut', new TypeError('terminated'), 'MODEL_CUT'],
    ['what is no JSON', new JSONParseError({ text: '<html>', cause: new Error('x') }), 'MODEL_SAID_NONSENSE'],
    ['a page for an answer', answered(200, 'Invalid JSON response'), 'MODEL_SAID_NONSENSE'],
    [
      'what the SDK does not ask',
      Object.assign(new Error('x'), { name: 'AI_UnsupportedFunctionalityError' }),
      'MODEL_REFUSED_REQUEST',
    ],
    ['anything else', new Error('x'), 'MODEL_FAILED'],
  ])('%s has a family', (_what, error, code) => {
    expect(modelFailure(error, place).code).toBe(code)
  })
})

test('of what a provider said nothing goes along: no address, no prompt, no words of its own', () => {
  const failure = modelFailure(answered(500, 'Your prompt "a prompt" at https://api.example.org?key=a-secret'), place)
  expect(JSON.stringify({ ...failure, message: failure.message, cause: failure.cause })).not.toMatch(
    /prompt|secret|example/,
  )
})

test('codes are short enough to be kept', () => {
  for (const code of modelFailureCodes) expect(code.length).toBeLessThanOrEqual(32)
})
