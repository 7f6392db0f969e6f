import { createHash, randomInt } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { weaknessOf } from '../../src/lib/password-rules.ts'

const nobody: readonly string[] = []
const alice = ['alice.jones@mail.example.org', 'wonder_land', 'Alice Liddell-Jones']
const common = { reason: 'COMMON', missing: [] }
const own = { reason: 'OWN_WORDS', missing: [] }

const byClasses = (password: string, ownWords = nobody) => weaknessOf(password, { rules: 'classes', ownWords })
const byLength = (password: string, ownWords = nobody) => weaknessOf(password, { rules: 'length', ownWords })

describe('with rules of classes', () => {
  test.for([
    ['lower-case-1', ['an upper-case letter']],
    ['UPPER-CASE-1', ['a lower-case letter']],
    ['No-Digit-Here', ['a digit']],
    ['NoSpecial1', ['a special character']],
    ['--------', ['an upper-case letter', 'a lower-case letter', 'a digit']],
    ['', ['an upper-case letter', 'a lower-case letter', 'a digit', 'a special character']],
  ] as const)('%j is told all that it lacks', ([password, missing]) => {
    expect(byClasses(password)).toEqual({ reason: 'MISSING_CHARACTERS', missing })
  })

  test('letters and digits of any script count, and what is neither is special', () => {
    for (const password of ['Ünïcødé 7', 'Пароль-мой-5', 'Λόγος٣«αβγ', 'Zażółć-Gęślą ۵', 'Correct🐎1Horse']) {
      expect(byClasses(password), password).toBeNull()
    }
    expect(byClasses('漢字漢字-漢字漢字')?.missing).toEqual(['an upper-case letter', 'a lower-case letter', 'a digit'])
  })

  test('what is missing is told before what is common', () => {
    expect(byClasses('password')).toMatchObject({ reason: 'MISSING_CHARACTERS' })
  })
})

describe('with rules of length', () => {
  test('no kind of character is asked for', () => {
    for (const password of ['correct horse battery', 'lower-case-only', '84015127739', '漢字漢字-漢字漢字']) {
      expect(byLength(password), password).toBeNull()
    }
  })

  test('the lists still decide', () => {
    expect(byLength('password')).toEqual(common)
    expect(byLength('alice.jones', alice)).toEqual(own)
  })
})

describe('a common password', () => {
  test.for([
    'password',
    'PASSWORD',
    '12345678',
    '1234567890!',
    'iloveyou',
    'Password1!',
    '!!Password2026!!',
    '2026-Password',
    'P@ssw0rd1!',
    'Qwerty123!!',
    'Qwerty1!',
    'Dragon99!',
    '7-Monkey-7',
    'ｐａｓｓｗｏｒｄ',
  ])('is refused as %s', (password) => {
    expect(byLength(password)).toEqual(common)
  })

  test.for(['Aa1!Aa1!', 'aaaaaaaa', 'ZZZZZzzzzzzz', 'ab1-ab1-ab1-'])(
    'is one that says %s again and again',
    (password) => {
      expect(byLength(password)).toEqual(common)
    },
  )

  test.for([
    'Correct-Horse-1',
    'Wrong-Horse-1',
    'Audited-Pass-1',
    'Password-of-nobody-1',
    'My-Dragon-likes-7-teas',
    'Tr0ub4dor&3x',
  ])('is not %s', (password) => {
    expect(byClasses(password)).toBeNull()
  })
})

describe('the words of the account', () => {
  test.for([
    ['alice.jones', 'the local part'],
    ['Example-2026!', 'the name of the domain'],
    ['Wonder_Land1!', 'the username'],
    ['wonder-Land-1', 'the words of the username'],
    ['#1-Liddell-#1', 'a word of the display name'],
    ['Alice-Example-Jones-1', 'several of them'],
    ['ALICEalice12-', 'one of them twice'],
    ['ａｌｉｃｅ-2026', 'one of them in full-width letters'],
  ] as const)('make %s too easy: %s', ([password]) => {
    expect(byLength(password, alice)).toEqual(own)
  })

  test('may be part of a password whose rest has 8 characters', () => {
    expect(byLength('alice1234567', alice)).toEqual(own)
    expect(byLength('alice12345678', alice)).toBeNull()
    expect(byClasses('Correct-Horse-1', ['horse@correct.example'])).toEqual(own)
    expect(byClasses('Correct-Horse-1', ['horse@example.org', 'horse', 'A Horse'])).toBeNull()
  })

  test('of three letters and the last name of a domain count for nothing', () => {
    expect(byLength('bob-2026', ['bob@x.info', '', 'Bob'])).toBeNull()
    expect(byLength('info-2026', ['bob@x.info', '', 'Bob'])).toBeNull()
  })

  test('are nothing where there are none', () => {
    expect(byLength('wx-84-yz', ['', '@', ' '])).toBeNull()
  })
})

test('a random password of 20 characters with all classes is never refused', () => {
  const seed = randomInt(2 ** 31)
  console.log(`random passwords: seed ${seed}`)
  let judged = 0
  for (let round = 0; round < 300; round += 1) {
    const password = randomPassword(`${seed}:${round}`)
    const verdict = byClasses(password, alice)
    if (verdict?.reason === 'MISSING_CHARACTERS') continue
    judged += 1
    expect(verdict, password).toBeNull()
  }
  expect(judged).toBeGreaterThan(100)
})

/** 20 printable characters of ASCII, the same for the same seed. */
function randomPassword(seed: string): string {
  const bytes = createHash('sha256').update(seed).digest().subarray(0, 20)
  return Array.from(bytes, (byte) => String.fromCharCode(33 + (byte % 94))).join('')
}

test('the longest password is judged in milliseconds', () => {
  for (const long of ['!'.repeat(1023), 'ab'.repeat(511), '1'.repeat(1023), 'alice'.repeat(204)]) {
    const startedAt = performance.now()
    byLength(`${long}x`, alice)
    // Ten times what it takes on a busy machine; a quadratic search would take longer still.
    expect(performance.now() - startedAt).toBeLessThan(200)
  }
})
