{application, nameless, [{description, "no version"}]}.
