import { z } from 'zod'
import { builder } from '../../../graphql/builder.ts'
import { UserErrorInterface } from '../../../graphql/errors.ts'
import { idOf } from '../../../graphql/ids.ts'
import { optional } from '../../../graphql/input.ts'
import { mutation, parseInput } from '../../../graphql/mutation.ts'
import type { BlockType } from '../../../lib/block-content.ts'
import { EditConflict } from '../../../platform/errors.ts'
import { BlockNode, textLimit } from './block.graphql.ts'
import { blockText, contentOf } from './block-input.graphql.ts'
import { editBlockText, MissingDependencies, updateBlock } from './text-edit.service.ts'

const MAX_UPDATE_BYTES = 16 * 1024
const updateLimit = `at most ${MAX_UPDATE_BYTES.toLocaleString('en')} bytes`

builder.objectType(MissingDependencies, {
  name: 'MissingDependencies',
  description: 'The update builds on changes that never came here; nothing was changed.',
  interfaces: [UserErrorInterface],
  fields: (t) => ({
    stateVector: t.expose('stateVector', {
      type: 'Base64',
      description:
        'What the text here has seen, as a Yjs state vector: `Y.encodeStateAsUpdate(doc, stateVector)` is what to send.',
    }),
  }),
})

/** Bytes in base64; no other spelling of the same ones is accepted. */
const updateBytes = z.string().transform((text, check) => {
  const bytes = Buffer.from(text, 'base64')
  const isBase64 = bytes.toString('base64') === text
  if (!isBase64) check.addIssue({ code: 'custom', message: 'is not valid' })
  else if (bytes.length > MAX_UPDATE_BYTES) check.addIssue({ code: 'custom', message: updateLimit })
  return bytes
})

const EditBlockTextInput = builder.inputType('EditBlockTextInput', {
  description: 'What was typed in a block.',
  fields: (t) => ({
    id: t.id({ required: true, description: 'The block.' }),
    update: t.field({
      type: 'Base64',
      required: true,
      description: `A Yjs update (version 1) of the document \`textState\`, ${updateLimit}: text in the root \`text\`, with the attributes \`bold\`, \`italic\`, \`code\` and \`strike\` (true), \`link\` (an http, https or mailto address, or the id of a page or a block) and \`mention\` (the id of a person, an agent or a page).`,
    }),
  }),
})

// Mutation.editBlockText
builder.mutationField('editBlockText', (t) =>
  mutation(t, {
    type: BlockNode,
    input: EditBlockTextInput,
    schema: z.object({ id: idOf('Block'), update: updateBytes }),
    errors: [MissingDependencies],
    description:
      'Merges what was typed into the text of a block, whoever else is typing; watchers of the page hear of it once it is kept. What is known already changes nothing: an update can be sent again.',
    resolve: (input, ctx) => editBlockText(ctx, input),
  }),
)

const UpdateBlockInput = builder.inputType('UpdateBlockInput', {
  description: 'What is to be different about a block; what is left out stays.',
  fields: (t) => ({
    id: t.id({ required: true, description: 'The block.' }),
    content: t.field({
      type: 'BlockContent',
      description: 'All that it is to have beside its text: what is left out of it has its default.',
    }),
    text: t.string({
      description: `What its text is to say, ${textLimit}. Only what differs is changed: formatting elsewhere stays, and so does what others type there.`,
    }),
    expectedVersion: t.int({ description: 'The `version` you saw; needed with `content`.' }),
    expectedTextVersion: t.int({ description: 'The `textVersion` you saw; left out, whatever it is.' }),
  }),
})

// Mutation.updateBlock
builder.mutationField('updateBlock', (t) =>
  mutation(t, {
    type: BlockNode,
    input: UpdateBlockInput,
    schema: z
      .object({
        id: idOf('Block'),
        content: optional(z.unknown()),
        text: optional(blockText),
        expectedVersion: optional(z.int()),
        expectedTextVersion: optional(z.int()),
      })
      .refine(({ content, expectedVersion }) => content === null || expectedVersion !== null, {
        path: ['expectedVersion'],
        error: 'is needed with content',
      }),
    errors: [EditConflict],
    description: 'Replaces the content of a block, its text, or both; what it is and where it stands stay.',
    resolve: ({ content, ...input }, ctx) => {
      const contentFor = (type: BlockType) => parseInput(ofType(type), content)
      return updateBlock(ctx, { ...input, contentFor: content === null ? null : contentFor })
    },
  }),
)

function ofType(type: BlockType) {
  return z.unknown().transform((content, check) => contentOf(type, content, check))
}
