import { useNokkel } from '@nokkel/client/react'
import { useInfiniteQuery } from '@tanstack/react-query'

const REFRESH_MILLISECONDS = 15_000

/** Inbox or sent, newest first, kept fresh while the page is looked at. */
export function useBox(box: 'inbox' | 'sent') {
  const { assignments } = useNokkel()
  const query = useInfiniteQuery({
    queryKey: ['assignments', box],
    queryFn: ({ pageParam }) => assignments[box](pageParam ? { cursor: pageParam } : {}),
    initialPageParam: '',
    getNextPageParam: (page) => page.nextCursor,
    refetchInterval: REFRESH_MILLISECONDS,
    refetchOnWindowFocus: 'always',
  })
  return {
    items: query.data?.pages.flatMap((page) => page.items) ?? [],
    isPending: query.isPending,
    isSuccess: query.isSuccess,
    isError: query.isError,
    error: query.error,
    retry: () => void query.refetch(),
    hasMore: query.hasNextPage,
    isLoadingMore: query.isFetchingNextPage,
    loadMore: () => void query.fetchNextPage(),
  }
}
