import { cacheContract } from './cache.contract.ts'

cacheContract('a cache in this process', async () => null)
