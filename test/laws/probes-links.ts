import { type Probe, theirKey } from './probe.ts'

/** Of tags and links; see `probes.ts`. */
export const linkProbes: Readonly<Record<string, Probe>> = {
  'Query.tags': { ids: {}, alone: () => [{ first: 100 }, { last: 100 }] },
  'Mutation.createTag': {
    ids: {},
    alone: () => [{ input: { name: 'A tag', idempotencyKey: theirKey } }],
  },
  'Mutation.updateTag': {
    ids: { 'UpdateTagInput.id': ['Tag'] },
    // Whose tag it is does not matter to an editor of the organization: so nobody's is changed.
    variables: (id) => ({ input: { id: id('UpdateTagInput.id'), expectedVersion: 0, color: '#000000' } }),
    isRefused: true,
  },
  'Mutation.deleteTag': {
    ids: { 'DeleteTagInput.id': ['Tag'] },
    variables: (id) => ({ input: { id: id('DeleteTagInput.id') } }),
    spends: true,
  },
  'Mutation.tagPage': {
    ids: { 'TagPageInput.pageId': ['Page'], 'TagPageInput.tagId': ['Tag'] },
    variables: (id) => ({ input: { pageId: id('TagPageInput.pageId'), tagId: id('TagPageInput.tagId') } }),
  },
  'Mutation.untagPage': {
    ids: { 'UntagPageInput.pageId': ['Page'], 'UntagPageInput.tagId': ['Tag'] },
    variables: (id) => ({ input: { pageId: id('UntagPageInput.pageId'), tagId: id('UntagPageInput.tagId') } }),
  },
  'Mutation.createLink': {
    ids: { 'CreateLinkInput.sourceBlockId': ['Block'], 'CreateLinkInput.targetId': ['Page', 'Block'] },
    variables: (id) => ({
      input: { sourceBlockId: id('CreateLinkInput.sourceBlockId'), targetId: id('CreateLinkInput.targetId') },
    }),
  },
  'Mutation.deleteLink': {
    ids: { 'DeleteLinkInput.id': ['Link'] },
    variables: (id) => ({ input: { id: id('DeleteLinkInput.id') } }),
    spends: true,
  },
}
