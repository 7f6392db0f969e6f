import type { Probe } from './probe.ts'

/** The caller's own block is no neighbour of itself: the place is left empty then, and the call a right one. */
const otherThan = (own: string, id: string) => (id === own ? null : id)
const neighbours = (input: string) => [`${input}.parentId`, `${input}.afterId`, `${input}.beforeId`]
const places = (input: string) => Object.fromEntries(neighbours(input).map((place) => [place, ['Block'] as const]))
function standing(input: string, id: (place: string) => string, own: string) {
  const [parentId, afterId, beforeId] = neighbours(input).map((place) => otherThan(own, id(place)))
  // Both together are refused before anything is looked for.
  return { parentId, afterId, beforeId: afterId === null ? beforeId : null }
}

// “a text” at the begin of any document, as somebody types it who has never typed before.
const typed = 'AQEBAAQBBHRleHQGYSB0ZXh0AA=='

/** Of `probes`: what makes blocks and changes them. */
export const blockProbes: Readonly<Record<string, Probe>> = {
  'Mutation.createBlocks': {
    ids: { 'CreateBlocksInput.pageId': ['Page'], ...places('CreateBlocksInput') },
    facts: neighbours('CreateBlocksInput'),
    variables: (id, own) => ({
      input: {
        ...standing('CreateBlocksInput', id, own.Block),
        pageId: id('CreateBlocksInput.pageId'),
        blocks: [{ text: 'a text' }],
      },
    }),
  },
  'Mutation.moveBlock': {
    ids: { 'MoveBlockInput.id': ['Block'], 'MoveBlockInput.pageId': ['Page'], ...places('MoveBlockInput') },
    facts: neighbours('MoveBlockInput'),
    variables: (id, own) => ({
      input: {
        ...standing('MoveBlockInput', id, own.Block),
        id: id('MoveBlockInput.id'),
        pageId: id('MoveBlockInput.pageId'),
      },
    }),
  },
  'Mutation.convertBlock': {
    ids: { 'ConvertBlockInput.id': ['Block'] },
    variables: (id) => ({ input: { id: id('ConvertBlockInput.id'), type: 'QUOTE' } }),
  },
  'Mutation.editBlockText': {
    ids: { 'EditBlockTextInput.id': ['Block'] },
    variables: (id) => ({ input: { id: id('EditBlockTextInput.id'), update: typed } }),
  },
  'Mutation.updateBlock': {
    ids: { 'UpdateBlockInput.id': ['Block'] },
    variables: (id) => ({ input: { id: id('UpdateBlockInput.id'), text: 'a text' } }),
  },
  'Mutation.splitBlock': {
    ids: { 'SplitBlockInput.id': ['Block'] },
    variables: (id) => ({ input: { id: id('SplitBlockInput.id'), index: 0 } }),
  },
  'Mutation.mergeBlocks': {
    // Into itself, with an id of their own in both places.
    isRefused: true,
    ids: { 'MergeBlocksInput.id': ['Block'], 'MergeBlocksInput.intoId': ['Block'] },
    variables: (id) => ({ input: { id: id('MergeBlocksInput.id'), intoId: id('MergeBlocksInput.intoId') } }),
  },
  'Mutation.deleteBlock': {
    spends: true,
    ids: { 'DeleteBlockInput.id': ['Block'] },
    variables: (id) => ({ input: { id: id('DeleteBlockInput.id') } }),
  },
}
