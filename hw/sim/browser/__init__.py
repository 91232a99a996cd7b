"""The simulated telephone on a page, and over HTTP for scripts.

`routes.sim_routes(board)` is one telephone's hardware, `routes.page_routes(users)` the page that draws them.
"""
