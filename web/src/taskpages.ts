import { useInfiniteQuery } from '@tanstack/solid-query'
import { createMemo, createSignal } from 'solid-js'
import { api, type TaskRow } from './api.ts'
import { type Filter, toConditions } from './filter.ts'

const FIRST = 200
const FURTHER = 500
const HEAD = 100
/** Pages of a search that one click goes through at most. */
const PAGES_AT_ONCE = 40

export const SORTS = ['-scheduled', 'scheduled', '-priority', 'priority'] as const
export type Sort = (typeof SORTS)[number]

export interface TaskPages {
  rows(): TaskRow[]
  total(): number
  /** Whether no more than that match: of a search, the newest are counted. */
  isExact(): boolean
  isPending(): boolean
  error(): unknown
  /** How many came since, while the order was held. */
  fresh(): number
  takeFresh(): void
  /** Looks for what is new; shown at once unless the order is held. */
  refresh(): void
  retry(): void
  /** Loads on until that many rows are there. */
  reach(count: number): void
  /** Whether there are tasks that were not looked through yet: a search looks through some at a time. */
  hasMore(): boolean
  /** Looks through older ones until something more matches, or for a while. */
  lookFurther(): Promise<void>
  isLooking(): boolean
}

/**
 * What matches, page after page. The order in which rows were loaded stays: what is new is put in only while nobody
 * holds on to a row and no more than the first page is loaded.
 *
 * @param filter null: nothing is asked for
 */
export function createTaskPages(
  filter: () => Filter | null,
  sort: () => Sort,
  isHeld: () => boolean,
): TaskPages {
  const [fresh, setFresh] = createSignal(0)
  const conditions = () => ({ ...toConditions(filter() ?? {}), sort: sort() })
  const query = useInfiniteQuery(() => ({
    queryKey: ['tasks', conditions(), filter() !== null],
    enabled: filter() !== null,
    queryFn: ({ pageParam, signal }) =>
      api.tasks.list.query(
        {
          ...conditions(),
          limit: pageParam === '' ? FIRST : FURTHER,
          ...(pageParam && { cursor: pageParam }),
        },
        { signal },
      ),
    initialPageParam: '',
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    staleTime: Number.POSITIVE_INFINITY,
    refetchOnMount: 'always' as const,
    refetchOnWindowFocus: false,
  }))
  const rows = createMemo(() => query.data?.pages.flatMap(({ tasks }) => tasks) ?? [])
  const isStill = () => isHeld() || (query.data?.pages.length ?? 0) > 1
  const [isSearching, setSearching] = createSignal(false)
  let isLooking = false

  async function lookForFresh() {
    const known = new Set(rows().map(({ id }) => id))
    const head = await api.tasks.list.query({ ...conditions(), limit: HEAD })
    const unknown = head.tasks.filter(({ id }) => !known.has(id)).length
    const more = head.total - (query.data?.pages[0]?.total ?? 0)
    setFresh(unknown === 0 ? 0 : Math.max(unknown, more))
  }

  return {
    rows,
    total: () => query.data?.pages[0]?.total ?? 0,
    isExact: () => query.data?.pages[0]?.total_is_exact ?? true,
    isPending: () => query.isPending,
    error: () => (query.data ? null : query.error),
    fresh,
    takeFresh() {
      setFresh(0)
      query.refetch()
    },
    refresh() {
      if (isLooking || query.isFetching || filter() === null) return
      isLooking = true
      const work = isStill() ? lookForFresh() : query.refetch().then(() => setFresh(0))
      work
        .catch(() => {})
        .finally(() => {
          isLooking = false
        })
    },
    retry: () => query.refetch(),
    hasMore: () => query.hasNextPage,
    isLooking: isSearching,
    async lookFurther() {
      const before = rows().length
      setSearching(true)
      try {
        for (let page = 0; page < PAGES_AT_ONCE && query.hasNextPage && rows().length === before; page++)
          await query.fetchNextPage()
      } finally {
        setSearching(false)
      }
    },
    reach(count) {
      if (count > rows().length && query.hasNextPage && !query.isFetching) query.fetchNextPage()
    },
  }
}
