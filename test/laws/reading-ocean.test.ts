import { expectEvenCost, test } from './reading-library.ts'
import { oceanLists } from './reading-lists.ts'

test.for(oceanLists)('%s: 50 cost as many statements as 5', async (list, { server, library }) => {
  await expectEvenCost({ server, library }, list)
})
