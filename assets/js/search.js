// The query of the address that Back has led to.
() => [window.location.search]
