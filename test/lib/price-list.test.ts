import { describe, expect, test } from 'vitest'
import { CATALOGUE_VERSION, modelCatalogue } from '../../src/lib/model-catalogue.ts'
import { createPriceList, parsePrice } from '../../src/lib/price-list.ts'

const credit = 1_000_000n

/** A list with these entries of one's own. */
function listOf(...entries: string[]) {
  const parsed = entries.map((entry) => {
    const price = parsePrice(entry)
    if (price === null) throw new Error(`${entry} is no price`)
    return price
  })
  return createPriceList(new Map(parsed))
}

/** What a model of such a list costs: input as text, so that one entry can be told from another. */
function inputOf(list: ReturnType<typeof listOf>, id: string): bigint | 'free' | null {
  const price = list.find(id)
  return price === null || price === 'free' ? price : price.rates.input / credit
}

/** A model of the catalogue with a price. */
const catalogued = modelCatalogue.find(({ id, pricing }) => pricing !== null && id.startsWith('openai/'))?.id ?? ''

describe('an entry', () => {
  test('is a model and what its tokens cost; thinking costs as much as other output unless that is said', () => {
    const rates = { input: 1_250_000n, cachedInput: 125_000n, output: 10n * credit, reasoning: 10n * credit }
    expect(parsePrice('openai/gpt-5=1.25/0.125/10')).toMatchObject(['openai/gpt-5', { rates }])
    const thinking = { ...rates, reasoning: 12n * credit }
    expect(parsePrice(' openai/gpt-5 = 1.25 / 0.125 / 10 / 12 ')).toMatchObject(['openai/gpt-5', { rates: thinking }])
    expect(parsePrice('my-house/*=free')).toEqual(['my-house/*', 'free'])
    expect(parsePrice('together/meta/llama@4:fp8=1/1/1')?.[0]).toBe('together/meta/llama@4:fp8')
  })

  test('has a version that is of the price alone', () => {
    const versionOf = (entry: string) => {
      const [, price = 'free'] = parsePrice(entry) ?? []
      return price === 'free' ? '' : price.version
    }
    expect(versionOf('a/b=1/1/1')).toMatch(/^own-[0-9a-f]{12}$/)
    expect(versionOf('c/d=1/1/1')).toBe(versionOf('a/b=1/1/1'))
    expect(versionOf('a/b=1/1/2')).not.toBe(versionOf('a/b=1/1/1'))
  })

  test.each(['0/1/1', '1/0/1', '1/1/0', '1/1/1/0', '0.000000/1/1', '-1/1/1', '0'])(
    'of %s is none: what costs nothing is free, and nothing costs less',
    (price) => expect(parsePrice(`a/b=${price}`)).toBeNull(),
  )

  test.each(['1000000.000001/1/1', '1/1000001/1', '1/1/999999999', '1/1/1/99999999999'])(
    'of %s is none: it is too much',
    (price) => expect(parsePrice(`a/b=${price}`)).toBeNull(),
  )

  test('may be a million credits a million tokens', () => {
    expect(parsePrice('a/b=1000000/1000000/1000000')).not.toBeNull()
  })

  test.each([
    '',
    '=',
    'a/b',
    'a/b=',
    '=1/1/1',
    'a/b=1',
    'a/b=1/1',
    'a/b=1/1/1/1/1',
    'a/b=1/1/1/',
    'a/b=/1/1',
    'a/b=1,5/1/1',
    'a/b=1e3/1/1',
    'a/b=1.0000001/1/1',
    'a/b=gratis',
    'a/b=FREE',
    'gpt=1/1/1',
    'a=1/1/1',
    'a/../b=1/1/1',
    'A/b=1/1/1',
    'A/*=1/1/1',
    '*/b=1/1/1',
    'a/b*=1/1/1',
    '**=1/1/1',
    '/*=1/1/1',
    'a/b=c/d=1/1/1',
  ])('%j is none', (entry) => expect(parsePrice(entry)).toBeNull())
})

describe('a price is found', () => {
  test('by the most particular entry, whatever their order', () => {
    const entries = ['*=1/1/1', 'house/*=2/2/2', 'house/one=3/3/3']
    for (const list of [listOf(...entries), listOf(...entries.toReversed())]) {
      expect(inputOf(list, 'house/one')).toBe(3n)
      expect(inputOf(list, 'house/two')).toBe(2n)
      expect(inputOf(list, 'other/one')).toBe(1n)
    }
  })

  test('among one’s own before the catalogue, but for what is said of all', () => {
    const inCatalogue = listOf().find(catalogued)
    expect(inCatalogue).toMatchObject({ version: CATALOGUE_VERSION })
    expect(inputOf(listOf(`${catalogued}=777/1/1`), catalogued)).toBe(777n)
    expect(inputOf(listOf('openai/*=777/1/1'), catalogued)).toBe(777n)
    expect(listOf('openai/*=free').find(catalogued)).toBe('free')
    expect(listOf('*=777/1/1').find(catalogued)).toEqual(inCatalogue)
  })

  test('of a model of OpenAI by whichever of its two ids', () => {
    const chat = catalogued.replace('openai/', 'openai-chat/')
    expect(listOf().find(chat)).toEqual(listOf().find(catalogued))
    expect(inputOf(listOf(`${catalogued}=777/1/1`), chat)).toBe(777n)
    expect(inputOf(listOf('openai/*=777/1/1'), chat)).toBe(777n)
    const both = listOf(`${catalogued}=777/1/1`, `${chat}=778/1/1`)
    expect([inputOf(both, catalogued), inputOf(both, chat)]).toEqual([777n, 778n])
  })

  test('by `openai-chat/*` for what is spoken to so, before what is said of OpenAI', () => {
    const chat = catalogued.replace('openai/', 'openai-chat/')
    expect(inputOf(listOf('openai-chat/*=777/1/1'), chat)).toBe(777n)
    expect(inputOf(listOf('openai-chat/*=777/1/1', 'openai/*=778/1/1'), chat)).toBe(777n)
    expect(listOf('openai-chat/*=777/1/1').find(catalogued)).toEqual(listOf().find(catalogued))
  })

  test('to be nothing for what runs on machines of one’s own, unless one is set', () => {
    for (const id of ['embedded/extractive', 'scenario/words-1', 'ollama/llama4']) {
      expect(listOf('*=1/1/1').find(id)).toBe('free')
      expect(inputOf(listOf(`${id.split('/')[0]}/*=5/5/5`), id)).toBe(5n)
    }
  })

  test('to be unknown of any other', () => {
    for (const id of ['openai/never-heard-of', 'house/one', 'nonsense', '']) expect(listOf().find(id)).toBeNull()
  })

  test('of everything in the catalogue, and above nothing', () => {
    const priced = modelCatalogue.filter(({ pricing }) => pricing !== null)
    expect(priced.length).toBeGreaterThan(0)
    for (const { id } of priced) {
      const price = listOf().find(id)
      if (price === null || price === 'free') throw new Error(`${id} has no price`)
      for (const rate of Object.values(price.rates)) expect(rate, id).toBeGreaterThan(0n)
    }
  })
})
