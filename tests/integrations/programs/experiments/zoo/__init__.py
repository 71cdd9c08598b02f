REGISTRY = {}


def register(name):
    def decorate(made):
        REGISTRY[name] = made
        return made

    return decorate
