const actor = '{ id displayName ... on User { username } }'
const tag = '{ id name color version }'
const page = `id title createdBy ${actor} tags ${tag} project { id name }`
const block = `id text textState createdBy ${actor} updatedBy ${actor}`
const target = `{ __typename ... on Page { ${page} } ... on Block { ${block} page { ${page} } } ... on ExternalUrl { url } }`
const link = `id kind url isDangling inText isExplicit createdBy ${actor} source { ${block} page { ${page} } } target ${target}`
const pageInfo = 'totalCount pageInfo { hasNextPage hasPreviousPage startCursor endCursor }'

/** Lists of tags and links by their coordinates, read with whatever their items are shown with; see `reading.test.ts`. */
export const linkLists = [
  [
    'blocks of a page with their authors, tags and links',
    'Page.blocks',
    `query ($first: Int, $pageId: ID!) { page(id: $pageId) { ${page} blocks(first: $first) { nodes {
      ${block} page { ${page} } links { ${link} } backlinks(first: 2) { nodes { ${link} } ${pageInfo} }
    } ${pageInfo} } } }`,
  ],
  [
    'pages with their tags and what leads to them',
    'Query.pages',
    `query ($first: Int) { pages(first: $first) { nodes {
      ${page} tags { id pages(first: 1) { nodes { id } totalCount } } backlinks(first: 2) { nodes { ${link} } ${pageInfo} }
    } ${pageInfo} } }`,
  ],
  [
    'what leads to a page',
    'Page.backlinks',
    `query ($first: Int, $pageId: ID!) { page(id: $pageId) { backlinks(first: $first) { nodes { ${link} } ${pageInfo} } } }`,
  ],
  [
    'what leads to a block',
    'Block.backlinks',
    `query ($first: Int, $blockId: ID!) { block(id: $blockId) { backlinks(first: $first) { nodes { ${link} } ${pageInfo} } } }`,
  ],
  [
    'tags with their newest pages',
    'Query.tags',
    `query ($first: Int) { tags(first: $first) { nodes { id name pages(first: 2) { nodes { ${page} } ${pageInfo} } } ${pageInfo} } }`,
  ],
  [
    'pages of a tag',
    'Tag.pages',
    `query ($first: Int, $tagId: ID!) { node(id: $tagId) { ... on Tag { pages(first: $first) { nodes { ${page} } ${pageInfo} } } } }`,
  ],
  [
    'tags and links by their ids',
    'Query.nodes',
    `query ($ids: [ID!]!) { nodes(ids: $ids) { id ... on Tag { name pages(first: 1) { nodes { ${page} } } } ... on Link { ${link} } } }`,
  ],
] as const
