import { z } from 'zod'
import { builder } from '../../../graphql/builder.ts'
import { describedValues } from '../../../graphql/enums.ts'
import { parseFilter } from '../../../graphql/mutation.ts'
import { decimalText } from '../../../lib/credits.ts'
import type { Price } from '../../../lib/price-list.ts'
import type { TokenCount } from '../../../lib/token-count.ts'
import type { Model, ModelCapability } from '../../../platform/models.ts'
import type { Provider } from '../../../platform/providers.ts'
import { ProviderType } from './provider.graphql.ts'
import { countTextTokens } from './token-count.service.ts'

const capabilityDescriptions: Record<ModelCapability, string> = {
  TOOLS: 'It can use tools.',
  REASONING: 'It can think before it writes.',
}

const ModelCapabilityRef = builder.enumType('ModelCapability', {
  description: 'What a model can do beside writing text.',
  values: describedValues(capabilityDescriptions),
})

const ModelPricingRef = builder.objectRef<Price>('ModelPricing').implement({
  description:
    'What a million tokens cost, in credits as decimal text: a credit is a US dollar. An answer is charged by the prices that were shown when it was asked for.',
  fields: (t) => ({
    version: t.exposeString('version', {
      description: 'Which list of prices it is; messages name the one they were charged by.',
    }),
    inputPerMillion: t.string({
      description: 'Of the prompt: `2.5`.',
      resolve: ({ rates }) => decimalText(rates.input),
    }),
    cachedInputPerMillion: t.string({
      nullable: true,
      description: 'Of a prompt that the provider has seen just before; null when that costs as much.',
      resolve: ({ rates }) => (rates.cachedInput === rates.input ? null : decimalText(rates.cachedInput)),
    }),
    outputPerMillion: t.string({ description: 'Of the answer.', resolve: ({ rates }) => decimalText(rates.output) }),
    reasoningPerMillion: t.string({
      description: 'Of what it thinks.',
      resolve: ({ rates }) => decimalText(rates.reasoning),
    }),
  }),
})

/** A model that answers. */
export const ModelType = builder
  .objectRef<Pick<Model, 'id' | 'name' | 'providerId' | 'contextWindow' | 'capabilities'>>('Model')
  .implement({
    description: 'Something that answers: `embedded/extractive` quotes your pages and needs no key.',
    fields: (t) => ({
      id: t.exposeID('id', { description: 'Provider and name, as `model` takes it: `embedded/extractive`.' }),
      name: t.exposeString('name', { description: 'For people.' }),
      provider: t.field({
        type: ProviderType,
        description: 'Who runs it; `provider.isConfigured` tells whether it can answer here.',
        resolve: ({ providerId }, _args, { platform }) => platform.providers.find(providerId) ?? gone(providerId),
      }),
      contextWindow: t.exposeInt('contextWindow', {
        nullable: true,
        description: 'Tokens of the prompt and the answer together; null where that is not known, or has no limit.',
      }),
      capabilities: t.field({
        type: [ModelCapabilityRef],
        description: 'What it can do beside writing text.',
        resolve: ({ capabilities }) => [...capabilities],
      }),
      pricing: t.field({
        type: ModelPricingRef,
        nullable: true,
        description: 'What it costs; null where it costs nothing, or nobody here knows.',
        resolve: ({ id }, _args, { platform }) => {
          const price = platform.prices.find(id)
          return price === 'free' ? null : price
        },
      }),
      isFree: t.boolean({
        description: 'It costs nothing. One that is not free and has no price answers nobody until its price is set.',
        resolve: ({ id }, _args, { platform }) => platform.prices.find(id) === 'free',
      }),
    }),
  })

/** A model whose provider has no name of its own here. */
function gone(id: string): Provider {
  return { id, name: id, isConfigured: false, circuit: 'CLOSED' }
}

// Query.models
builder.queryField('models', (t) =>
  t.field({
    type: [ModelType],
    description:
      'The models that have a name here, those of providers without a key among them: `provider.isConfigured` tells which can answer. Any other model of a configured provider answers as well, by `provider/name`.',
    authScopes: { authenticated: true },
    resolve: (_root, _args, { platform }) => [...platform.models.list()],
  }),
)

const TokenCountRef = builder.objectRef<TokenCount>('TokenCount').implement({
  description: 'How much of a model’s window a text takes.',
  fields: (t) => ({
    tokens: t.exposeInt('tokens', { description: 'How many tokens it is.' }),
    isExact: t.exposeBoolean('isExact', {
      description: 'As the model itself counts; otherwise an estimate that is rather too high.',
    }),
  }),
})

const MAX_TEXT_LENGTH = 65_536

const CountTokensInput = builder.inputType('CountTokensInput', {
  description: 'A text to be measured.',
  fields: (t) => ({
    model: t.string({ required: true, description: 'Which model would read it: `openai/gpt-5`.' }),
    text: t.string({ required: true, description: `At most ${MAX_TEXT_LENGTH} characters; nothing of it is kept.` }),
  }),
})

const countTokensInput = z.object({ model: z.string().min(1).max(128), text: z.string().max(MAX_TEXT_LENGTH) })

// Query.countTokens
builder.queryField('countTokens', (t) =>
  t.field({
    type: TokenCountRef,
    description: 'How many tokens a text is to a model. How often one person may ask in a minute is limited.',
    authScopes: { authenticated: true },
    args: { input: t.arg({ type: CountTokensInput, required: true, description: 'The text and the model.' }) },
    resolve: (_root, { input }, ctx) => {
      const { model, text } = parseFilter(countTokensInput, input)
      return countTextTokens(ctx, { modelId: model, text })
    },
  }),
)
