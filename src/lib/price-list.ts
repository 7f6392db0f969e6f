import { millionthsOf, type Rates } from './credits.ts'
import { sha256Hex } from './hash.ts'
import { modelNameOf, OPENAI_CHAT } from './known-providers.ts'
import { CATALOGUE_VERSION, catalogued, type Pricing } from './model-catalogue.ts'

/** What a model costs, and which list says so. */
export interface Price {
  readonly rates: Rates
  /** Kept with what is charged: prices change. */
  readonly version: string
}

/** What is known of the price of a model: it costs nothing, or so much; null where nobody here knows. */
export type KnownPrice = Price | 'free' | null

/** The prices of a server. */
export interface PriceList {
  find(modelId: string): KnownPrice
}

/** Whose models run on machines of one's own: they cost nothing unless somebody sets a price. */
const OWN_PROVIDERS: readonly string[] = ['embedded', 'scenario', 'ollama']

/**
 * The prices of the catalogue, and before them those that somebody set: by the id of a model, by `provider/*` for all others
 * of a provider, by `*` for all whose price is not known otherwise. The most particular counts.
 */
export function createPriceList(own: ReadonlyMap<string, Price | 'free'>): PriceList {
  return {
    find: (modelId) => {
      const { providerId, name, isChat } = modelNameOf(modelId) ?? { providerId: '', name: modelId, isChat: false }
      // Of one provider a model may have two ids, by the protocol it is asked with.
      const id = `${providerId}/${name}`
      return (
        own.get(modelId) ??
        own.get(id) ??
        (isChat ? own.get(`${OPENAI_CHAT}/*`) : undefined) ??
        own.get(`${providerId}/*`) ??
        cataloguePrice(id) ??
        (OWN_PROVIDERS.includes(providerId) ? 'free' : null) ??
        own.get('*') ??
        null
      )
    },
  }
}

/** One entry of a list of prices that somebody set: `openai/gpt-5=1.25/0.125/10`. Null when it is none. */
export function parsePrice(entry: string): [pattern: string, price: Price | 'free'] | null {
  const at = entry.lastIndexOf('=')
  const pattern = entry.slice(0, at).trim()
  const text = entry.slice(at + 1).trim()
  const isPattern = pattern === '*' || /^[a-z][a-z0-9-]{0,31}\/\*$/.test(pattern) || modelNameOf(pattern) !== null
  if (at < 1 || !isPattern) return null
  if (text === 'free') return [pattern, 'free']
  const rates = ratesOf(text.split('/'))
  return rates === null ? null : [pattern, { rates, version: `own-${sha256Hex(text).slice(0, VERSION_LENGTH)}` }]
}

const VERSION_LENGTH = 12
/** Of a million tokens, in millionths of a credit: above it is no price but a mistake. */
const MOST = 1_000_000n * 1_000_000n

/** `input/cached/output` or `input/cached/output/thinking`; thinking costs as much as other output where it is left out. */
function ratesOf(parts: readonly string[]): Rates | null {
  const [input, cachedInput, output, reasoning = output] = parts.map(rateOf)
  const isWhole = parts.length === 3 || parts.length === 4
  if (!isWhole || input == null || cachedInput == null || output == null || reasoning == null) return null
  return { input, cachedInput, output, reasoning }
}

/** A price is above nothing: what costs nothing is said to be free. */
function rateOf(text: string): bigint | null {
  const rate = millionthsOf(text.trim())
  return rate === null || rate <= 0n || rate > MOST ? null : rate
}

function cataloguePrice(modelId: string): Price | null {
  const pricing = catalogued(modelId)?.pricing ?? null
  return pricing === null ? null : { rates: ratesIn(pricing), version: CATALOGUE_VERSION }
}

function ratesIn({ input, cachedInput, output, reasoning }: Pricing): Rates {
  const rates = ratesOf([input, cachedInput ?? input, output, reasoning ?? output])
  if (rates === null) throw new Error('The catalogue has a price that is none')
  return rates
}
