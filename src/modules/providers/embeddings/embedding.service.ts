import type { Context } from '../../../platform/context.ts'
import { InvalidInput } from '../../../platform/errors.ts'
import { requireAction } from '../../../platform/gate.ts'

/** Texts to embed, and the model to do it. */
export interface EmbedTexts {
  readonly modelId: string
  readonly texts: readonly string[]
}

/** Vectors of unit length, one a text, in order. @throws {Forbidden | InvalidInput | RateLimited | Unavailable} */
export async function embed(ctx: Context, { modelId, texts }: EmbedTexts): Promise<readonly Float32Array[]> {
  const viewer = requireAction(ctx, 'embedding.create')
  const embedder = ctx.platform.embedders.find(modelId)
  if (embedder === null) throw new InvalidInput([{ path: ['model'], message: 'is no model that embeds here' }])
  const unread = texts.flatMap((text, index) =>
    embedder.reads(text, null) ? [] : [{ path: ['texts', String(index)], message: 'is no text that this model reads' }],
  )
  if (unread.length > 0) throw new InvalidInput(unread)
  const { limits, settings } = ctx.platform
  const rule = { name: 'embed', points: settings.models.embeddingsPerMinute, windowSeconds: 60 }
  await limits.consume(rule, viewer.userId)
  return embedder.embed(texts, { signal: ctx.signal, urgentFor: viewer.userId })
}
