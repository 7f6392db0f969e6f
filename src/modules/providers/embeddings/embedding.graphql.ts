import { z } from 'zod'
import { builder } from '../../../graphql/builder.ts'
import { parseFilter } from '../../../graphql/mutation.ts'
import { embed } from './embedding.service.ts'

const MAX_TEXTS = 100
/** UTF-16 units: what the longest model reads of one. */
const MAX_TEXT_LENGTH = 8_000

const EmbeddingRef = builder.objectRef<Float32Array>('Embedding').implement({
  description: 'What a text means, as a direction: what means the same points the same way.',
  fields: (t) => ({
    vector: t.field({
      type: ['Float'],
      description: 'Of length 1, so that the sum of products of two is their likeness, -1 to 1.',
      resolve: (vector) => [...vector],
    }),
    dimensions: t.int({
      description: 'How many numbers it has: only vectors of one model can be compared.',
      resolve: (vector) => vector.length,
    }),
  }),
})

const EmbedInput = builder.inputType('EmbedInput', {
  description: 'Texts to make vectors of.',
  fields: (t) => ({
    model: t.string({
      description:
        'Provider and name of a model that embeds: `embedded/use-lite-en`, which reads English; `openai/text-embedding-3-small`.',
      defaultValue: 'embedded/use-lite-en',
    }),
    texts: t.stringList({
      required: true,
      description: `1 to ${MAX_TEXTS} texts, each of at most ${MAX_TEXT_LENGTH} characters.`,
    }),
  }),
})

const embedInput = z.object({
  model: z.string().min(1).max(128),
  texts: z.array(z.string().min(1).max(MAX_TEXT_LENGTH)).min(1).max(MAX_TEXTS),
})

// Query.embed
builder.queryField('embed', (t) =>
  t.field({
    type: [EmbeddingRef],
    description:
      'Vectors of texts, in their order; by a model that tells the two apart they are those of questions, not of what is searched. How many one person may have made in a minute is limited.',
    authScopes: { authenticated: true },
    args: { input: t.arg({ type: EmbedInput, required: true, description: 'The texts and the model.' }) },
    resolve: async (_root, { input }, ctx) => {
      const { model, texts } = parseFilter(embedInput, {
        model: input.model ?? 'embedded/use-lite-en',
        texts: input.texts,
      })
      return [...(await embed(ctx, { modelId: model, texts }))]
    },
  }),
)
